//! What is there to see when nothing is opened? People's incomes, and two models of them.

use crate::opened::Source;

const EXAMPLES: [(&str, &[u8]); 3] = [
    ("adult-xgboost.ubj", include_bytes!("../../../fixtures/tour/adult-xgboost.ubj")),
    ("adult-lightgbm.txt", include_bytes!("../../../fixtures/tour/adult-lightgbm.txt")),
    ("adult.csv", include_bytes!("../../../fixtures/tour/adult.csv")),
];

pub(crate) fn examples() -> Vec<Source> {
    EXAMPLES.iter().map(|&(name, bytes)| Source::Example { name, bytes }).collect()
}
