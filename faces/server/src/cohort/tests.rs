use std::sync::Arc;

use pellucid::data::{Categories, Column, Field, Kind, Schema};

use super::*;

fn asked(conditions: &[&str]) -> Cohort {
    let fields = [("age", Kind::Integer), ("sex", Kind::Category), ("a", Kind::Boolean)];
    let fields = fields.map(|(name, kind)| Field { name: name.to_owned(), kind }).to_vec();
    let levels = Arc::new(["Female", "Male"].map(str::to_owned).to_vec());
    let columns = vec![
        Column::Number(vec![17.0]),
        Column::Category(Categories { codes: vec![0], levels }),
        Column::Number(vec![1.0]),
    ];
    let table = Table::new(Arc::new(Schema { fields }), columns, 1).unwrap();
    let pairs: Vec<(&str, &str)> = conditions.iter().map(|&one| ("where", one)).collect();
    cohort(&Address::of("/api/data", &pairs), &table).unwrap()
}

#[test]
fn python_says_the_same() {
    for (conditions, wanted) in [
        (
            &["sex:=:Female", "sex:=:Male", "age:!=:40", "a:missing"][..],
            "data = data[(data[\"a\"].isna()) & (data[\"age\"].notna() & (data[\"age\"] != 40.0)) & ((data[\"sex\"] == \"Female\") | (data[\"sex\"] == \"Male\"))]\n",
        ),
        (
            &["age:<:inf", "a:=:true"],
            "data = data[((data[\"a\"] == True)) & ((data[\"age\"] < float(\"inf\")))]\n",
        ),
        (&[], ""),
    ] {
        assert_eq!(python(&asked(conditions)), wanted);
    }
}

#[test]
fn a_command_says_the_same() {
    assert_eq!(in_words(&asked(&["sex:=:Female", "age:>=:40"])), " --where 'age:>=:40' --where sex:=:Female");
}
