use std::sync::Arc;

use pellucid::data::{Field, Schema};

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

fn asked(conditions: &[&str]) -> Result<(Vec<usize>, String), Failure> {
    let pairs: Vec<(&str, &str)> = conditions.iter().map(|&one| ("where", one)).collect();
    let cohort = Cohort::of(&Address::of("/api/data", &pairs), &table())?;
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
        (&["a:b:<:inf", "a:=:false"], &[1], "a is false and a:b is below ∞"),
        (&["age:>=:12345.678"], &[], "age is at least 12\u{2009}345.678"),
    ] {
        let (found, said) = asked(conditions).unwrap();
        assert_eq!((found.as_slice(), said.as_str()), (rows, words), "{conditions:?}");
    }
}

#[test]
fn wrong_conditions_say_what_is_wrong() {
    for (condition, status, piece) in [
        ("agee:=:3", 404, "did you mean `age`?"),
        ("sex:=:Femal", 404, "did you mean `Female`?"),
        ("age", 400, "a column and a test belong there"),
        ("age:", 400, "is no test"),
        ("age:mising", 400, "did you mean `missing`?"),
        ("age:~:3", 400, "`~` is no test"),
        ("age:=:old", 400, "`old` is no number"),
        ("age:=:nan", 400, "`nan` is no number"),
        ("sex:<:Male", 400, "sex holds text"),
        ("a:=:yes", 400, "`yes` is no number"),
        ("", 404, "no column ``"),
    ] {
        let failure = asked(&[condition]).unwrap_err();
        assert_eq!(failure.status(), status, "{condition}: {failure}");
        assert!(failure.message.contains(piece), "{condition}: {failure}");
    }
    let many: Vec<String> = (0..=MOST).map(|at| format!("age:=:{at}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(asked(&many).unwrap_err().message.contains("more than 64"));
    assert!(asked(&many[..MOST]).is_ok());
}

#[test]
fn python_says_the_same() {
    let pairs =
        [("where", "sex:=:Female"), ("where", "sex:=:Male"), ("where", "age:!=:40"), ("where", "a:missing")];
    let cohort = Cohort::of(&Address::of("/api/data", &pairs), &table()).unwrap();
    let wanted = "data = data[(data[\"a\"].isna()) & (data[\"age\"].notna() & (data[\"age\"] != 40.0)) & ((data[\"sex\"] == \"Female\") | (data[\"sex\"] == \"Male\"))]\n";
    assert_eq!(cohort.python(), wanted);
}
