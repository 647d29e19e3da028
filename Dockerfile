# syntax=docker/dockerfile:1
# NOT BUILT YET: written without a container engine at hand; see docs/guide/container.md.
FROM python:3.13-slim AS build
WORKDIR /src
RUN pip install --no-cache-dir uv
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY gateway gateway
COPY connectors connectors
COPY kpi kpi
COPY simulators simulators
ENV UV_PROJECT_ENVIRONMENT=/opt/plantseal UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
RUN uv sync --locked --no-default-groups --extra gateway --extra demo --no-editable

FROM python:3.13-slim
LABEL org.opencontainers.image.title="plantseal" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --home-dir /var/lib/plantseal --create-home plantseal
COPY --from=build /opt/plantseal /opt/plantseal
ENV PATH=/opt/plantseal/bin:$PATH PYTHONUNBUFFERED=1 PLANTSEAL_CONFIG=/etc/plantseal/plant.yaml
# A plant file mounted at /etc/plantseal says `data_dir: /var/lib/plantseal`: its own folder is not
# writable here.
USER plantseal
WORKDIR /var/lib/plantseal
VOLUME ["/var/lib/plantseal"]
STOPSIGNAL SIGTERM
# Healthy: the running gateway has written its status within the last 15 seconds.
HEALTHCHECK --interval=15s --timeout=10s --start-period=20s --retries=3 \
  CMD ["plantseal", "status", "--health"]
ENTRYPOINT ["plantseal"]
CMD ["run"]
