"""How do explanations run on Ray Data? As `map_batches` of a mapper; Ray cuts the rows, sends them and tries again what a dead worker held."""

from ..errors import MissingDependencyError


def ray_data(dataset, mapper, **options):
    """Explains a dataset of Ray.

    Parameters
    ----------
    dataset : ray.data.Dataset
        Read only the columns that are needed: `ray.data.read_parquet(path).select_columns(mapper.columns)`.
    mapper : Mapper
    **options
        For `map_batches`; `num_cpus` is the mapper's threads, `batch_size` Ray's own (a block) unless they are given.

    Returns
    -------
    ray.data.Dataset
        Of what the mapper answers; an aggregate is one row a batch, for `merge`. Lazy, as all of Ray's: errors come when it is read, and in
        no order of rows unless the dataset's context keeps one.

    Raises
    ------
    MissingDependencyError
        When Ray is not installed.
    MissingColumnsError
        When the dataset knows its columns and one is missing.
    """
    try:
        import ray.data  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError("Ray Data is needed here: pip install 'pellucid[ray]'") from error
    schema = dataset.schema(fetch_if_missing=False)
    if schema is not None:
        mapper.check(schema.names)
    chosen = {"batch_format": "pyarrow", "zero_copy_batch": True, "num_cpus": mapper.threads, "batch_size": None, **options}
    return dataset.map_batches(mapper, **chosen)
