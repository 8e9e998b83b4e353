use std::sync::Arc;

use pellucid_data::Schema;
use pellucid_data::table::{Categories, Column};

use super::*;

fn table() -> Table {
    let fields =
        [("age", Kind::Integer), ("sex", Kind::Category), ("a:b", Kind::Float64), ("a", Kind::Boolean)];
    let fields = fields.map(|(name, kind)| Field { name: name.to_owned(), kind }).to_vec();
    let levels = Arc::new(["Female", "Male", "x:=:y"].map(str::to_owned).to_vec());
    let columns = vec![
        Column::Number(vec![17.0, 40.0, f64::NAN, 90.0, -0.0]),
        Column::Category(Categories { codes: vec![0, 1, Categories::MISSING, 0, 2], levels }),
        Column::Number(vec![1.5, 2.5, 3.5, f64::NAN, f64::INFINITY]),
        Column::Number(vec![1.0, 0.0, 1.0, 0.0, f64::NAN]),
    ];
    Table::new(Arc::new(Schema { fields }), columns, 5).unwrap()
}

fn asked(conditions: &[&str]) -> Result<(Vec<usize>, String), Refused> {
    let cohort = Cohort::read(conditions.iter().copied(), &table())?;
    Ok((cohort.rows(&table()).iter().collect(), cohort.words()))
}

#[test]
fn other_conditions_have_another_key() {
    let of = |written: &[&str]| {
        let one = |text: &&str| Condition { written: (*text).to_owned(), ..condition() };
        Cohort { conditions: written.iter().map(one).collect() }.key()
    };
    assert_ne!(of(&["c:=:x", "d:missing"]), of(&["c:=:x\nd:missing"]));
    assert_eq!(of(&["c:=:x", "d:missing"]), of(&["d:missing", "c:=:x"]));
}

fn condition() -> Condition {
    Condition::read("age:missing", &table()).unwrap()
}

#[test]
fn conditions_choose_rows_and_are_said() {
    for (conditions, rows, words) in [
        (&[][..], &[0, 1, 2, 3, 4][..], ""),
        (&["age:>=:40"], &[1, 3], "age is at least 40"),
        (&["age:<:40"], &[0, 4], "age is below 40"),
        (&["age:<=:40", "age:>:0"], &[0, 1], "age is at most 40 and age is above 0"),
        (&["age:!=:40"], &[0, 3, 4], "age is not 40"),
        (&["age:=:0"], &[4], "age is 0"),
        (&["age:missing"], &[2], "age is missing"),
        (&["age:known", "sex:=:Female"], &[0, 3], "age is known and sex is Female"),
        (&["sex:=:Female", "sex:=:Male"], &[0, 1, 3], "sex is Female or Male"),
        (&["sex:!=:Female"], &[1, 4], "sex is not Female"),
        (&["sex:=:x:=:y"], &[4], "sex is x:=:y"),
        (&["a:b:>:2"], &[1, 2, 4], "a:b is above 2"),
        (&["a:=:true"], &[0, 2], "a is true"),
        (&["a:b:<:inf", "a:=:false"], &[1], "a:b is below ∞ and a is false"),
        (&["age:>=:12345.678"], &[], "age is at least 12\u{202f}345.678"),
    ] {
        let (found, said) = asked(conditions).unwrap();
        assert_eq!((found.as_slice(), said.as_str()), (rows, words), "{conditions:?}");
    }
}

#[test]
fn wrong_conditions_say_what_is_wrong() {
    for (condition, is_absent, piece) in [
        ("agee:=:3", true, "did you mean `age`?"),
        ("sex:=:Femal", true, "did you mean `Female`?"),
        ("age", false, "a column and a test belong there"),
        ("age:", false, "is no test"),
        ("age:mising", false, "did you mean `missing`?"),
        ("age:~:3", false, "`~` is no test"),
        ("age:=:old", false, "`old` is no number"),
        ("age:=:nan", false, "`nan` is no number"),
        ("sex:<:Male", false, "sex holds text"),
        ("a:=:yes", false, "`yes` is neither true nor false"),
        ("a:<:true", false, "a is true or false"),
        ("", true, "no column ``"),
    ] {
        let refused = asked(&[condition]).unwrap_err();
        assert_eq!(refused.is_absent, is_absent, "{refused}");
        assert!(refused.to_string().starts_with(&format!("{condition}: ")), "{refused}");
        assert!(refused.text.contains(piece), "{refused}");
    }
    let many: Vec<String> = (0..=MOST).map(|at| format!("age:=:{at}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(asked(&many).unwrap_err().text.contains("more than 64"));
    assert!(asked(&many[..MOST]).is_ok());
}

/// A table in two batches, the second of which numbers its levels in another way.
struct Reader {
    schema: Schema,
    names: Vec<String>,
    batches: Vec<Table>,
}

impl ReadBatches for Reader {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn all_names(&self) -> &[String] {
        &self.names
    }

    fn select(&mut self, fields: &[Field]) -> Result<(), pellucid_data::read::ReadError> {
        self.schema = Schema { fields: fields.to_vec() };
        let schema = Arc::new(self.schema.clone());
        for batch in &mut self.batches {
            let columns = fields.iter().filter_map(|field| batch.column(&field.name)).cloned().collect();
            *batch = Table::new(Arc::clone(&schema), columns, batch.n_rows()).unwrap();
        }
        Ok(())
    }

    fn next_batch(&mut self) -> Result<Option<Table>, pellucid_data::read::ReadError> {
        Ok((!self.batches.is_empty()).then(|| self.batches.remove(0)))
    }
}

#[test]
fn rows_of_a_reader_are_those_of_the_table() {
    let whole = table();
    let second = {
        let [first, second] = [0..3, 3..5].map(|rows| whole.slice(rows));
        let mut columns = second.into_columns();
        let levels = Arc::new(["x:=:y", "Female"].map(str::to_owned).to_vec());
        columns[1] = Column::Category(Categories { codes: vec![1, 0], levels });
        [first, Table::new(Arc::new(whole.schema().clone()), columns, 2).unwrap()]
    };
    let reader = || Reader {
        schema: whole.schema().clone(),
        names: whole.schema().names().map(str::to_owned).collect(),
        batches: second.to_vec(),
    };
    for written in [&["sex:=:Female", "a:b:known"][..], &["age:>:0", "sex:!=:Female"], &["sex:=:x:=:y"], &[]]
    {
        let written: Vec<String> = written.iter().map(|&text| text.to_owned()).collect();
        let (cohort, rows) = Cohort::of_reader(&written, &mut reader(), &pellucid_data::Quiet).unwrap();
        let wanted = Cohort::read(written.iter().map(String::as_str), &whole).unwrap();
        assert_eq!((cohort.words(), rows), (wanted.words(), wanted.rows(&whole)), "{written:?}");
    }
    // Names that are not asked for are suggested too.
    let error =
        Cohort::of_reader(&["agee:=:3".to_owned()], &mut reader(), &pellucid_data::Quiet).unwrap_err();
    assert!(error.to_string().contains("did you mean `age`?"), "{error}");
}
