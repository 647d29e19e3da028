"""plant.yaml to typed configuration: every mistake at once, each with its line and column."""

from plantseal.config.binding import Bound, BoundSource, bind, link_name, tag_names
from plantseal.config.model import RECORDED
from plantseal.config.plantfile import PlantFile, PlantSource, load
from plantseal.config.problems import ConfigError, Problem

__all__ = [
    "RECORDED",
    "Bound",
    "BoundSource",
    "ConfigError",
    "PlantFile",
    "PlantSource",
    "Problem",
    "bind",
    "link_name",
    "load",
    "tag_names",
]
