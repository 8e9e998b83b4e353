"""How are more rows explained than one machine should do alone? With the engine that is there already, and one mapper for all of them.

    mapper = pel.scale.Mapper("model.ubj", keep=["id"], top_k=5)
    pel.scale.ray_data(ray.data.read_parquet("rows/").select_columns(mapper.columns), mapper).write_parquet("out/")
    pel.scale.spark(spark.read.parquet("rows/"), mapper).write.parquet("out/")

A `Mapper` is a picklable function from batches to batches, with which any engine goes: a pool of processes, Ray, Spark. A further engine
is a further module here that hands it batches of Arrow; it decides nothing about values. Without an engine there is
`pellucid explain --shard i/n` and `pellucid merge`, which need no Python.
"""

from ._aggregate import Aggregate, merge
from ._mapper import EXPECTED_ROWS, Mapper
from ._opened import n_opened
from ._ray import ray_data
from ._spark import spark

__all__ = ["EXPECTED_ROWS", "Aggregate", "Mapper", "merge", "n_opened", "ray_data", "spark"]
