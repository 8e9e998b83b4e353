use proptest::prelude::*;

use super::*;
use crate::table::{Column, Kind};
#[cfg(feature = "arrow")]
use crate::write;

/// Names and kinds of columns.
type Kinds = Vec<(String, &'static str)>;

fn read_csv(text: &str, wanted: ReadOptions) -> Result<(Kinds, Vec<Table>), ReadError> {
    let mut reader = CsvReader::new(text.as_bytes(), wanted)?;
    let schema = reader.schema().fields.iter().map(|f| (f.name.clone(), f.kind.name())).collect();
    let mut batches = Vec::new();
    while let Some(batch) = reader.next_batch()? {
        batches.push(batch);
    }
    Ok((schema, batches))
}

fn numbers<'a>(table: &'a Table, name: &str) -> &'a [f64] {
    match table.column(name) {
        Some(Column::Number(values)) => values,
        other => panic!("{name} is {other:?}"),
    }
}

#[test]
fn csv_infers_the_narrowest_kind_and_keeps_text_as_it_stands() {
    let text = "\u{feff}a;b;c;d;e\r\n1;1.5;true;\" x;y\";\r\n;NA;False;z;\r\n";
    let (schema, batches) = read_csv(text, ReadOptions::default()).unwrap();
    let kinds: Vec<_> = schema.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
    assert_eq!(
        kinds,
        [("a", "integer"), ("b", "float64"), ("c", "boolean"), ("d", "category"), ("e", "category")]
    );
    let table = &batches[0];
    assert_eq!(table.n_rows(), 2);
    assert_eq!(numbers(table, "c"), [1.0, 0.0]);
    assert!(numbers(table, "a")[1].is_nan());
    let Some(Column::Category(d)) = table.column("d") else { panic!() };
    assert_eq!((d.text(0), d.text(1)), (Some(" x;y"), Some("z")));
    assert_eq!(table.column("e").map(Column::n_missing), Some(2));
}

#[test]
fn csv_batches_carry_every_row_once() {
    let text = format!("x\n{}", (0..10).map(|i| format!("{i}\n")).collect::<String>());
    let (_, batches) = read_csv(&text, ReadOptions { batch_rows: 4, ..ReadOptions::default() }).unwrap();
    assert_eq!(batches.iter().map(Table::n_rows).collect::<Vec<_>>(), [4, 4, 2]);
    let all: Vec<f64> = batches.iter().flat_map(|b| numbers(b, "x").to_vec()).collect();
    assert_eq!(all, (0..10).map(f64::from).collect::<Vec<_>>());
}

#[test]
fn csv_errors_name_line_and_column() {
    let late = "x,y\n1,2\n3,4\n?,5\n";
    let wanted = || ReadOptions { batch_rows: 2, ..ReadOptions::default() };
    let message = read_csv(late, wanted()).unwrap_err().to_string();
    assert!(message.starts_with("line 4, column `x`: `?` is not a number"), "{message}");
    let mut forgiving = wanted();
    forgiving.missing.push("?".into());
    assert!(numbers(&read_csv(late, forgiving).unwrap().1[1], "x")[0].is_nan());

    let message = read_csv("x,y\n1\n", ReadOptions::default()).unwrap_err().to_string();
    assert!(message.contains("line 2: 1 fields where the header has 2"), "{message}");
    assert!(matches!(read_csv("x,x\n1,2\n", ReadOptions::default()), Err(ReadError::DuplicateColumn { .. })));
    assert!(matches!(read_csv("", ReadOptions::default()), Err(ReadError::Empty)));
    let mut reader = CsvReader::new(&b"age,sex\n1,2\n"[..], ReadOptions::default()).unwrap();
    let agee = Field { name: "agee".into(), kind: Kind::Float64 };
    let message = reader.select(&[agee]).unwrap_err().to_string();
    assert_eq!(message, "there is no column `agee`; did you mean `age`?");
}

#[test]
fn a_column_that_is_not_selected_is_not_parsed() {
    let text = b"y,x,z\nnot a number,1,7\n";
    let mut reader = CsvReader::new(&text[..], ReadOptions::default()).unwrap();
    let field = |name: &str, kind| Field { name: name.into(), kind };
    reader.select(&[field("z", Kind::Category), field("x", Kind::Float64)]).unwrap();
    let batch = reader.next_batch().unwrap().unwrap();
    assert_eq!(batch.columns().len(), 2);
    let Some(Column::Category(z)) = batch.column("z") else { panic!() };
    assert_eq!((z.text(0), numbers(&batch, "x")), (Some("7"), &[1.0][..]));
}

#[test]
fn csv_without_header_names_columns_by_position() {
    let wanted = ReadOptions { header: false, ..ReadOptions::default() };
    let (schema, batches) = read_csv("1,2\n3,4\n", wanted).unwrap();
    assert_eq!(schema[1].0, "f1");
    assert_eq!(batches[0].n_rows(), 2);
}

#[test]
fn json_lines_keep_key_order_and_fill_gaps() {
    let text = "{\"b\": 1, \"a\": \"u\"}\n\n{\"a\": null, \"c\": true}\n";
    let mut reader = JsonLinesReader::new(text.as_bytes(), ReadOptions::default()).unwrap();
    assert_eq!(reader.all_names(), ["b", "a", "c"]);
    let table = reader.next_batch().unwrap().unwrap();
    assert_eq!(numbers(&table, "b")[0], 1.0);
    assert!(numbers(&table, "b")[1].is_nan());
    assert_eq!(numbers(&table, "c")[1], 1.0);
    for bad in ["[1]\n", "{\"a\": [1]}\n", "{\"a\": 1\n"] {
        assert!(matches!(
            JsonLinesReader::new(bad.as_bytes(), ReadOptions::default()),
            Err(ReadError::BadJsonLine { line: 1, .. })
        ));
    }
}

#[test]
#[cfg(feature = "arrow")]
fn parquet_and_arrow_give_back_what_was_written() {
    let names = ["x".to_owned(), "y".to_owned()];
    let columns = [vec![1.0, f64::NAN, -0.0], vec![f64::MAX, 1e-300, f64::INFINITY]];
    let meta = [("k".to_owned(), "v".to_owned())];
    let check = |reader: &mut dyn ReadBatches| {
        let table = reader.next_batch().unwrap().unwrap();
        for (name, column) in names.iter().zip(&columns) {
            let got: Vec<u64> = numbers(&table, name).iter().map(|x| x.to_bits()).collect();
            assert_eq!(got, column.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
        }
    };
    let parquet = write::parquet::to_bytes(&names, &columns, &meta).unwrap();
    let mut reader = ParquetReader::new(parquet.into(), &ReadOptions::default()).unwrap();
    // Selected columns come in the order of the selection.
    let field = |name: &str| Field { name: name.into(), kind: Kind::Float64 };
    reader.select(&[field("y"), field("x")]).unwrap();
    assert_eq!(reader.schema().names().collect::<Vec<_>>(), ["y", "x"]);
    check(&mut reader);
    let ipc = write::ipc::to_bytes(&names, &columns, &meta).unwrap();
    check(&mut ArrowReader::file(ipc.into()).unwrap());
}

#[test]
fn texts_that_a_model_knows_are_no_missing_values() {
    let text = "g,x\nNA,NA\nnull,1\n,2\nq,3\n";
    let mut reader = CsvReader::new(text.as_bytes(), ReadOptions::default()).unwrap();
    let field = |name: &str, kind| Field { name: name.into(), kind };
    reader.select(&[field("g", Kind::Category), field("x", Kind::Float64)]).unwrap();
    reader.keep_texts(0, &["NA".to_owned(), "null".to_owned()]);
    let batch = reader.next_batch().unwrap().unwrap();
    let Some(Column::Category(g)) = batch.column("g") else { panic!() };
    assert_eq!([0, 1, 2, 3].map(|row| g.text(row)), [Some("NA"), Some("null"), None, Some("q")]);
    assert!(numbers(&batch, "x")[0].is_nan());
    let mut reader =
        JsonLinesReader::new(&b"{\"g\": \"NA\"}\n{\"g\": null}\n"[..], ReadOptions::default()).unwrap();
    reader.select(&[field("g", Kind::Category)]).unwrap();
    reader.keep_texts(0, &["NA".to_owned()]);
    let batch = reader.next_batch().unwrap().unwrap();
    let Some(Column::Category(g)) = batch.column("g") else { panic!() };
    assert_eq!([0, 1].map(|row| g.text(row)), [Some("NA"), None]);
}

#[test]
fn keys_that_nobody_asked_for_may_come_late() {
    let text = "{\"a\": 1}\n{\"a\": 2, \"note\": \"x\"}\n";
    let options = || ReadOptions { batch_rows: 1, ..ReadOptions::default() };
    let mut reader = JsonLinesReader::new(text.as_bytes(), options()).unwrap();
    reader.select(&[Field { name: "a".into(), kind: Kind::Float64 }]).unwrap();
    assert_eq!(numbers(&reader.next_batch().unwrap().unwrap(), "a"), [1.0]);
    assert_eq!(numbers(&reader.next_batch().unwrap().unwrap(), "a"), [2.0]);
    let mut reader = JsonLinesReader::new(text.as_bytes(), options()).unwrap();
    assert!(reader.next_batch().is_ok());
    assert!(matches!(reader.next_batch(), Err(ReadError::LateKey { line: 2, .. })));
}

#[test]
#[cfg(feature = "arrow")]
fn files_of_pyarrow_are_read_packed_and_unpacked() {
    let folder = std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap())
        .join("../../fixtures/pyarrow-26.0.1");
    let mut read = 0;
    for name in
        ["plain.arrow", "lz4.arrow", "zstd.arrow", "default.feather", "stream.arrows", "dictionary.parquet"]
    {
        let bytes = fs_err::read(folder.join(name)).unwrap();
        let mut reader: Box<dyn ReadBatches> = match sniff(&bytes) {
            Sniffed::Parquet => Box::new(ParquetReader::new(bytes.into(), &ReadOptions::default()).unwrap()),
            Sniffed::ArrowFile => {
                Box::new(ArrowReader::file(bytes.into()).unwrap_or_else(|e| panic!("{name}: {e}")))
            }
            Sniffed::ArrowStream => {
                Box::new(ArrowReader::stream(bytes.into()).unwrap_or_else(|e| panic!("{name}: {e}")))
            }
            other => panic!("{name}: {other:?}"),
        };
        let (mut sum, mut rows, mut texts) = (0.0, 0, 0);
        while let Some(batch) = reader.next_batch().unwrap() {
            rows += batch.n_rows();
            sum += numbers(&batch, "x").iter().filter(|x| !x.is_nan()).sum::<f64>();
            let Some(Column::Category(text)) = batch.column("text") else { panic!() };
            texts += (0..batch.n_rows()).filter(|&row| text.text(row) == Some("b")).count();
        }
        assert_eq!((rows, sum, texts), (3000, 4_497_000.0, 1000), "{name}");
        read += 1;
    }
    assert_eq!(read, 6);
}

#[test]
#[cfg(feature = "arrow")]
fn what_is_written_does_not_depend_on_how_rows_came() {
    use crate::write::{Regular, WriteBatches};
    let names = ["x".to_owned(), "y".to_owned()];
    let rows: Vec<f64> = (0..40_000).map(f64::from).collect();
    let write = |piece: usize| {
        let mut bytes = Vec::new();
        let mut writer = Box::new(Regular::new(
            write::ipc::IpcWriter::new(&mut bytes, write::Heading::numbers(&names), &[]).unwrap(),
            2,
        ));
        rows.chunks(piece).for_each(|part| writer.write(&[part.to_vec(), part.to_vec()]).unwrap());
        writer.finish().unwrap();
        bytes
    };
    assert!(write(64) == write(16_384) && write(64) == write(40_000));
}

#[test]
fn endless_lines_are_refused() {
    struct Endless;
    impl std::io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            buffer.fill(b'a');
            Ok(buffer.len())
        }
    }
    let said = CsvReader::new(Endless, ReadOptions::default()).err().unwrap().to_string();
    assert!(said.contains("64 MiB"), "{said}");
    assert!(JsonLinesReader::new(Endless, ReadOptions::default()).is_err());
}

#[test]
fn sniffing_tells_formats_apart() {
    assert_eq!(sniff(b"PAR1...."), Sniffed::Parquet);
    assert_eq!(sniff(b"ARROW1\0\0"), Sniffed::ArrowFile);
    assert_eq!(sniff(b"  {\"a\":1}"), Sniffed::JsonLines);
    assert_eq!(sniff(b"[ {\"a\":1}]"), Sniffed::JsonLines);
    assert_eq!(sniff(b"a,b\n"), Sniffed::Text);
    assert_eq!(sniff(b""), Sniffed::Text);
}

/// Reads every format from the same bytes: no answer matters, only that there is one.
fn read_all_ways(bytes: &[u8]) {
    fn drain(reader: Result<impl ReadBatches, ReadError>) {
        if let Ok(mut reader) = reader {
            while let Ok(Some(batch)) = reader.next_batch() {
                assert!(batch.columns().iter().all(|column| column.len() == batch.n_rows()));
            }
        }
    }
    let wanted = ReadOptions { batch_rows: 3, ..ReadOptions::default() };
    drain(CsvReader::new(bytes, wanted.clone()));
    drain(JsonLinesReader::new(bytes, wanted.clone()));
    #[cfg(feature = "arrow")]
    drain(ParquetReader::new(bytes.to_vec().into(), &wanted));
    #[cfg(feature = "arrow")]
    drain(ArrowReader::file(bytes.to_vec().into()));
    #[cfg(feature = "arrow")]
    drain(ArrowReader::stream(bytes.to_vec().into()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_all_ways(&bytes);
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "([a-c0-9.,;\"\n\r{}:\\[\\]-]|null|NaN|é){0,80}") {
        read_all_ways(text.as_bytes());
    }
}

#[cfg(feature = "arrow")]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_parquet_and_arrow_are_errors_not_panics(at in 0usize..1200, byte in any::<u8>(), cut in 0usize..1200) {
        let names = ["x".to_owned()];
        let columns = [vec![1.0, 2.0, 3.0]];
        for mut bytes in [
            write::parquet::to_bytes(&names, &columns, &[]).unwrap(),
            write::ipc::to_bytes(&names, &columns, &[]).unwrap(),
        ] {
            let n = bytes.len();
            bytes[at % n] ^= byte;
            read_all_ways(&bytes);
            read_all_ways(&bytes[..cut % n]);
        }
    }
}
