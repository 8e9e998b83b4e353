//! How does an Arrow record batch become a table?

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, SchemaRef};

use super::csv::check_distinct;
use super::error::ReadError;
use super::positions;
use crate::table::{Categories, Column, Field, Kind, Schema, Table};

/// Names and kinds of all columns.
pub(super) fn schema_of(schema: &SchemaRef) -> Result<Schema, ReadError> {
    let field = |field: &Arc<arrow_schema::Field>| {
        let kind = kind_of(field.data_type()).unwrap_or(Kind::Other);
        Field { name: field.name().clone(), kind }
    };
    let schema = Schema { fields: schema.fields().iter().map(field).collect() };
    check_distinct(&schema.names().map(str::to_owned).collect::<Vec<_>>())?;
    Ok(schema)
}

/// The selected columns with the file's own kinds; those that can't be read are an error.
pub(super) fn select(all: &Schema, columns: &[Field]) -> Result<(Vec<usize>, Schema), ReadError> {
    let names: Vec<String> = all.names().map(str::to_owned).collect();
    let taken = positions(columns, &names)?;
    let fields = taken.iter().map(|&at| all.fields[at].clone()).collect();
    Ok((taken, Schema { fields }))
}

fn kind_of(data_type: &DataType) -> Option<Kind> {
    Some(match data_type {
        DataType::Float16 | DataType::Float32 => Kind::Float32,
        DataType::Float64
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..)
        | DataType::Null => Kind::Float64,
        DataType::Boolean => Kind::Boolean,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::Category,
        DataType::Dictionary(_, values) => kind_of(values)?,
        other if other.is_integer() => Kind::Integer,
        _ => return None,
    })
}

/// Converts the batch's columns (already projected to `schema`).
pub(super) fn table(batch: &RecordBatch, schema: &Arc<Schema>) -> Result<Table, ReadError> {
    let mut columns = Vec::with_capacity(schema.fields.len());
    for (array, field) in batch.columns().iter().zip(&schema.fields) {
        if field.kind == Kind::Other {
            let (column, found) = (field.name.clone(), array.data_type().to_string());
            return Err(ReadError::ColumnType { column, found });
        }
        columns.push(if field.kind.is_number() { numbers(array)? } else { categories(array)? });
    }
    let mismatch =
        || ReadError::Arrow(arrow_schema::ArrowError::SchemaError("columns differ in length".into()));
    Table::new(Arc::clone(schema), columns, batch.num_rows()).ok_or_else(mismatch)
}

fn numbers(array: &dyn Array) -> Result<Column, ReadError> {
    let cast = arrow_cast::cast(array, &DataType::Float64)?;
    let values = cast.as_primitive::<Float64Type>();
    if values.null_count() == 0 {
        return Ok(Column::Number(values.values().to_vec()));
    }
    Ok(Column::Number(values.iter().map(|value| value.unwrap_or(f64::NAN)).collect()))
}

fn categories(array: &dyn Array) -> Result<Column, ReadError> {
    let cast = arrow_cast::cast(array, &DataType::Utf8)?;
    let mut levels = Vec::new();
    let mut seen: HashMap<&str, u32> = HashMap::new();
    let codes = cast.as_string::<i32>().iter().map(|text| match text {
        None => Categories::MISSING,
        Some(text) => *seen.entry(text).or_insert_with(|| {
            levels.push(text.to_owned());
            (levels.len() - 1) as u32
        }),
    });
    let codes = codes.collect();
    Ok(Column::Category(Categories { codes, levels: Arc::new(levels) }))
}
