//! Are years that a posting asks for told from years that it only mentions? SkillSpan sentences (CC BY 4.0), labelled one
//! by one by a language model that had not seen the rules.

use pellucid_position::model::{Need, Node};
use pellucid_position::posting::requirements;
use pellucid_position::read::{Input, read};

use super::fixtures;

fn months(node: &Node, out: &mut Vec<u64>) {
    match &node.need {
        Need::Years { months, .. } => out.push(u64::from(*months)),
        Need::AnyOf(nodes) | Need::AllOf(nodes) => nodes.iter().for_each(|node| months(node, out)),
        _ => {}
    }
}

fn found(sentence: &str) -> Vec<u64> {
    let Ok(document) = read(&Input { name: "posting.txt".to_owned(), bytes: sentence.as_bytes().to_vec() })
    else {
        return Vec::new();
    };
    let mut out = Vec::new();
    requirements(&document, 0).0.iter().for_each(|requirement| months(&requirement.node, &mut out));
    out
}

#[test]
fn years_are_read_as_a_person_reads_them() {
    let lines = fs_err::read_to_string(fixtures().join("years.jsonl")).unwrap();
    let (mut right, mut all, mut clear, mut clear_right) = (0, 0, 0, 0);
    let mut wrong = String::new();
    for line in lines.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let asked: Vec<u64> =
            row["months"].as_array().unwrap().iter().filter_map(serde_json::Value::as_u64).collect();
        let text = row["text"].as_str().unwrap();
        let own = found(text);
        let is_clear = row["note"].as_str().unwrap_or_default().is_empty();
        all += 1;
        clear += usize::from(is_clear);
        right += usize::from(own == asked);
        clear_right += usize::from(own == asked && is_clear);
        if own != asked {
            wrong += &format!("{asked:?} read as {own:?}: {text}\n");
        }
    }
    if std::env::var_os("SHOW_FAILURES").is_some() {
        println!("{wrong}");
    }
    println!("{right} of {all} sentences exact; {clear_right} of the {clear} that no note calls arguable");
    assert_eq!(all, 229);
    assert!(right >= 225, "{right} of 229");
}
