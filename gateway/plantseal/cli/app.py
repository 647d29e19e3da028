"""The command line: every command, its arguments, and where its code lies."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from plantseal import __version__
from plantseal.cli.exits import guarded
from plantseal.cli.output import Lang, default_language, prepare_streams, say, set_language

app = typer.Typer(
    name="plantseal",
    help="Turn what machines say into figures that a stranger can check.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)
bundle_app = typer.Typer(help="Evidence bundles.", no_args_is_help=True)
config_app = typer.Typer(help="The plant file and its schema.", no_args_is_help=True)
app.add_typer(bundle_app, name="bundle")
app.add_typer(config_app, name="config")

ConfigFile = Annotated[
    Path, typer.Option("--config", "-c", envvar="PLANTSEAL_CONFIG", help="The plant file.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
PLANT = Path("plant.yaml")


def _version(value: bool) -> None:
    if value:
        sys.stdout.write(f"plantseal {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    lang: Annotated[str | None, typer.Option("--lang", help="en or zh.")] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    if lang not in (None, "en", "zh"):
        raise typer.BadParameter(f"got {lang!r}, expected en or zh", param_hint="--lang")
    chosen: Lang = default_language() if lang is None else ("zh" if lang == "zh" else "en")
    set_language(chosen)


@app.command()
def check(
    config: ConfigFile = PLANT,
    offline: Annotated[bool, typer.Option(help="Lint only, do not connect.")] = False,
    as_json: Json = False,
) -> None:
    """Lint the plant file and its tables, then connect to every source."""
    from plantseal.cli.check import check as command

    command(config, offline=offline, as_json=as_json)


@app.command()
def read(
    config: ConfigFile = PLANT,
    once: Annotated[bool, typer.Option("--once", help="Read every tag once (the default).")] = True,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait.")] = 10.0,
    as_json: Json = False,
) -> None:
    """Print value, status, source time and latency of every tag; writes nothing."""
    from plantseal.cli.check import read_once as command

    command(config, timeout_s=timeout, as_json=as_json)


@app.command()
def run(
    config: ConfigFile = PLANT,
    until: Annotated[
        str | None, typer.Option(help="Stop after a duration (90s, 15m, 8h) or at a time.")
    ] = None,
    live: Annotated[bool, typer.Option(help="Show the live table on a terminal.")] = True,
    as_json: Json = False,
) -> None:
    """Acquire, journal and seal until stopped."""
    from plantseal.cli.running import run as command

    command(config, until=until, live=live, as_json=as_json)


@app.command()
def status(
    config: ConfigFile = PLANT,
    health: Annotated[bool, typer.Option(help="Only say whether the gateway is alive.")] = False,
    as_json: Json = False,
) -> None:
    """Show sources, tags and upload rates of the running gateway."""
    from plantseal.cli.running import status as command

    command(config, health=health, as_json=as_json)


@app.command()
def kpi(
    period: Annotated[
        str, typer.Option(help="2026-11-01..2026-11-30, a day, or RFC 3339 start..end.")
    ],
    config: ConfigFile = PLANT,
    notice: Annotated[str | None, typer.Option(help="Only this notice, e.g. CQ2020-15.")] = None,
    fail_on: Annotated[
        str | None, typer.Option(help="threshold: exit 5 when a criterion fails.")
    ] = None,
    csv: Annotated[
        str | None,
        typer.Option(
            help="Write the verdicts as CSV to a file, or - for stdout; with --explain, "
            "what made the figure, in files named so."
        ),
    ] = None,
    figures: Annotated[
        str | None, typer.Option(help="Write the figures as CSV to a file, or - for stdout.")
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option(help="How one figure came about: METRIC or METRIC@SCOPE, e.g. oee@cnc1."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compute the figures of a period and judge them clause by clause."""
    from plantseal.cli.figures import Asked
    from plantseal.cli.figures import kpi as command

    command(config, period, Asked(notice, explain, csv, figures, fail_on, as_json))


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Recorded data: CSV, Parquet, SHDR log.")],
    column_map: Annotated[Path, typer.Option("--map", help="Column map (YAML).")],
    config: ConfigFile = PLANT,
    again: Annotated[bool, typer.Option(help="Import a file that was imported before.")] = False,
    as_json: Json = False,
) -> None:
    """Take historical records through the journal, flagged imported."""
    from plantseal.cli.records import import_ as command

    command(config, files=files, column_map=column_map, again=again, as_json=as_json)


@bundle_app.command("seal")
def bundle_seal(
    period: Annotated[
        str, typer.Option(help="2026-11-01..2026-11-30, a day, or RFC 3339 start..end.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder, or a .zip file.")],
    config: ConfigFile = PLANT,
    as_json: Json = False,
) -> None:
    """Seal the figures of a period with the rows that made them."""
    from plantseal.cli.records import seal as command

    command(config, period=period, out=out, as_json=as_json)


@bundle_app.command("show")
def bundle_show(
    path: Annotated[Path, typer.Argument(help="A bundle: folder or ZIP.")], as_json: Json = False
) -> None:
    """Show what a bundle says, without judging it."""
    from plantseal.cli.verifying import show_bundle as command

    command(path, as_json=as_json)


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(help="A bundle: folder or ZIP.")],
    trust: Annotated[
        list[str] | None,
        typer.Option("--trust", help="Verifier key you trust (text or file); repeatable."),
    ] = None,
    require_anchor: Annotated[bool, typer.Option(help="Demand an outside anchor.")] = False,
    recompute: Annotated[bool, typer.Option(help="Recompute every figure.")] = True,
    as_json: Json = False,
) -> None:
    """Verify a bundle: offline, with nothing but the bundle and the key you trust."""
    from plantseal.cli.verifying import verify as command

    command(path, trust=trust or [], anchored=require_anchor, recompute=recompute, as_json=as_json)


@app.command()
def sim(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for a plant file that reads the workshop.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The factory's seed.")] = 7,
    until: Annotated[str | None, typer.Option(help="Stop after a duration, e.g. 60s.")] = None,
    fault: Annotated[bool, typer.Option(help="Include the scripted faults.")] = True,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    advertise: Annotated[
        str | None, typer.Option(help="Name under which others reach the servers.")
    ] = None,
    port_base: Annotated[
        int, typer.Option(min=0, max=65_533, help="First port to listen on; 0: any free.")
    ] = 0,
    broker: Annotated[
        str | None, typer.Option(help="host:port of a broker; without it, an embedded one.")
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="Serve this recorded SHDR log over OPC UA instead.")
    ] = None,
    speed: Annotated[int, typer.Option(min=1, help="How many times faster than recorded.")] = 1,
    as_json: Json = True,
) -> None:
    """Serve the simulated workshop over OPC UA, Modbus TCP, MQTT and Sparkplug B, or a log."""
    from plantseal.cli.simulating import sim as command
    from plantseal.cli.simulating import sim_log
    from plantseal.demo import Site

    if replay is not None:
        sim_log(replay, speed=speed, host=host, port=port_base)
        return

    command(
        Site(seed, host, advertise, port_base, broker),
        out=out,
        until=until,
        fault=fault,
    )


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Where everything is put.")] = Path(
        "plantseal-demo"
    ),
    seconds: Annotated[int, typer.Option(min=10, max=3600, help="Length of the window.")] = 25,
    seed: Annotated[int, typer.Option(help="The factory's seed.")] = 7,
    as_json: Json = False,
) -> None:
    """Run the simulated workshop end to end: acquire, judge, seal, verify, tamper, refuse."""
    from plantseal.cli.simulating import demo as command

    command(out=out, seconds=seconds, seed=seed, as_json=as_json)


@config_app.command("schema")
def config_schema() -> None:
    """Print the JSON Schema of plant.yaml."""
    from plantseal.cli.check import schema as command

    command()


@config_app.command("show")
def config_show(config: ConfigFile = PLANT) -> None:
    """Print the configuration as it will be hashed into the log, secrets masked."""
    from plantseal.cli.check import show_config as command

    command(config)


def main() -> None:
    """Run the command line; every error ends in words and a documented exit code."""
    prepare_streams()
    set_language(default_language())
    sys.exit(guarded(app, say))
