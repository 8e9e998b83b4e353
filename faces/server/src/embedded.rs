//! What is there to see when nothing is opened? People's incomes, two models of them, and a tiny transformer.

use crate::opened::Source;

const EXAMPLES: [(&str, &[u8]); 3] = [
    ("adult-xgboost.ubj", include_bytes!("../../../fixtures/tour/adult-xgboost.ubj")),
    ("adult-lightgbm.txt", include_bytes!("../../../fixtures/tour/adult-lightgbm.txt")),
    ("adult.csv", include_bytes!("../../../fixtures/tour/adult.csv")),
];

pub(crate) fn examples() -> Vec<Source> {
    let files = EXAMPLES.iter().map(|&(name, bytes)| Source::Example { name, bytes });
    files.chain([Source::Circuit]).collect()
}
