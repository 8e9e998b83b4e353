"""How do explanations run on Spark? As `mapInArrow` of a mapper; Spark cuts the rows, sends them and tries again what a dead worker held."""

from ..errors import MissingDependencyError


def spark(dataframe, mapper):
    """Explains a frame of Spark.

    Parameters
    ----------
    dataframe : pyspark.sql.DataFrame
    mapper : Mapper

    Returns
    -------
    pyspark.sql.DataFrame
        Of what the mapper answers; an aggregate is one row a partition, for `merge`. Lazy, as all of Spark's: errors of rows come when it is
        read, as a `PythonException` that says them.

    Raises
    ------
    MissingDependencyError
        When Spark is not installed.
    MissingColumnsError
        When a column is missing.
    """
    try:
        from pyspark.sql.types import DoubleType, LongType, StringType, StructField, StructType
    except ImportError as error:
        raise MissingDependencyError("Spark is needed here: pip install 'pellucid[spark]'") from error
    mapper.check(dataframe.columns)
    types = {"number": DoubleType(), "word": StringType(), "count": LongType()}
    computed = [StructField(name, types[kind], kind == "word") for name, kind in mapper._fields()]
    schema = StructType([*(dataframe.schema[name] for name in mapper.keep), *computed])
    if set(mapper.columns) <= set(dataframe.columns):
        # What nobody looks at need not be sent to the workers.
        dataframe = dataframe.select(*(f"`{name.replace('`', '``')}`" for name in dict.fromkeys(mapper.columns + mapper.drop)))
    return dataframe.mapInArrow(mapper.batches, schema)
