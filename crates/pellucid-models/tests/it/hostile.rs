//! Is every damaged file an error? Files that libraries would refuse, files cut and altered at random.

use std::io::{Cursor, Read, Write};

use pellucid_fixtures::fixtures;
use pellucid_models::trees::import::{ImportError, import};
use pellucid_models::trees::{Ensemble, FeatureMatrix};
use pellucid_models::{Predict, Scale};
use proptest::prelude::*;

/// The fixture files that must be refused, and with what words.
pub(crate) fn refusals() -> Vec<(&'static str, Vec<(String, String)>)> {
    let folders = [
        "xgboost-3.4.1",
        "xgboost-2.1.4",
        "xgboost-1.7.6",
        "lightgbm-4.7.0",
        "lightgbm-3.3.5",
        "catboost-1.2.10",
        "scikit-learn-1.9.1",
        "onnx-1.23.2",
    ];
    let refused = |folder: &&'static str| {
        let path = fixtures().join(folder);
        let list = fs_err::read_to_string(path.join("rejects.json")).unwrap();
        let list: Vec<serde_json::Value> = serde_json::from_str(&list).unwrap();
        let words = list.iter().map(|entry| {
            let file = entry["file"].as_str().unwrap().to_owned();
            let error = import(&fs_err::read(path.join(&file)).unwrap()).expect_err(&file);
            (file, error.to_string())
        });
        (*folder, words.collect())
    };
    folders.iter().map(refused).collect()
}

#[test]
fn refusals_name_tree_and_node() {
    let all = refusals();
    let words = |file: &str| {
        let found = all.iter().flat_map(|(_, list)| list).find(|(name, _)| name == file);
        found.unwrap_or_else(|| panic!("{file}")).1.clone()
    };
    for (file, pieces) in [
        ("reject-cycle.json", ["tree ", "two parents"]),
        ("reject-child-range.json", ["tree ", "out of range"]),
        ("reject-feature-range.json", ["node ", "splits on feature"]),
        ("reject-short-array.json", ["tree ", "entries where"]),
        ("reject-gblinear.json", ["gblinear", "no trees"]),
        ("reject-truncated.ubj", ["UBJSON, byte", "cut short"]),
        ("reject-linear-tree.txt", ["linear", "linear_tree=false"]),
        ("reject-ctr.json", ["ctrs", "one_hot_max_size"]),
        ("reject-cycle.txt", ["tree ", "two parents"]),
        ("reject-cycle.skops", ["tree ", "two parents"]),
        ("reject-cycle.onnx", ["tree ", "not its root"]),
        ("reject-child.onnx", ["nodes_truenodeids", "a node of tree 0, but one is 9"]),
        ("reject-short-array.onnx", ["nodes_values", "entries where"]),
        ("reject-after.onnx", ["`Mul`", "nothing that computes"]),
        ("reject-before.onnx", ["`Scaler`", "nothing that computes"]),
        ("reject-linear.onnx", ["scores of 1 of its 2 classes", "of every class"]),
        ("reject-linear-short.onnx", ["`coefficients` has 2 entries", "3 are needed"]),
        ("reject-linear-transform.onnx", ["one target", "leaves it out"]),
        ("reject-eq.onnx", ["BRANCH_EQ", "equality"]),
        ("reject-set.onnx", ["set", "whole numbers"]),
        ("reject-max.onnx", ["MAX", "SUM and AVERAGE"]),
        ("reject-truncated.onnx", ["ONNX, byte", "cut short"]),
        ("reject-child-range.skops", ["tree ", "out of range"]),
        ("reject-feature-range.skops", ["tree ", "splits on feature"]),
        ("reject-pipeline.skops", ["Pipeline", "without a pipeline"]),
        ("reject-init.skops", ["DecisionTreeRegressor", "constant start"]),
        ("reject-no-schema.skops", ["schema.json", "skops.io.dump"]),
        ("reject-dummy.skops", ["DummyClassifier", "constant start"]),
        ("reject-no-stages.skops", ["without outputs", "no trees"]),
        ("reject-no-trees.skops", ["without outputs", "no trees"]),
        ("reject-no-isolation.skops", ["estimators_[0]", "not there"]),
        ("reject-old-categories.skops", ["before 1.4", "newer version"]),
        ("reject-none-category.skops", ["neither all texts", "NaN for what"]),
        ("reject-two-missing.skops", ["several missing", "NaN for what"]),
        ("reject-large-codes.skops", ["64-bit floats", "with texts"]),
        ("reject-mixed-categories.skops", ["neither all texts", "or numbers"]),
        ("reject-nodes-more.skops", ["is_categorical", "not known"]),
        ("reject-cast-before.onnx", ["`Cast` to other numbers", "nothing that computes"]),
        ("reject-cast-after.onnx", ["`Cast` to other numbers", "nothing that computes"]),
        ("reject-argmax-before.onnx", ["`ArgMax`", "nothing that computes"]),
        ("reject-domain.onnx", ["`TreeEnsembleRegressor` of `example.org`", "nothing that computes"]),
        ("reject-isolation-row.onnx", ["one row a tree", "0 by 0"]),
        ("reject-isolation-step.onnx", ["with a `Exp`", "nothing that computes"]),
        ("reject-isolation-twice.onnx", ["with a `Sum`", "nothing that computes"]),
        ("reject-isolation-base.onnx", ["with a `Pow`", "nothing that computes"]),
        ("reject-foreign.onnx", ["`Identity` of `example.org`", "nothing that computes"]),
        ("reject-no-nodes.onnx", ["nodes of trees", "not there"]),
        ("reject-twice.onnx", ["nodes_nodeids", "no two nodes"]),
        ("reject-between.onnx", ["between them", "tree after tree"]),
        ("reject-two-weights.onnx", ["two weights of one leaf", "their sum"]),
        ("reject-no-weight.onnx", ["without a weight", "adds the threshold"]),
        ("reject-wide.onnx", ["64 bits for inputs of 32", "refuses"]),
        ("reject-softmax-one.onnx", ["SOFTMAX of one score", "LOGISTIC"]),
        ("reject-no-targets.onnx", ["n_targets", "1 or more, but is 0"]),
        ("reject-root.onnx", ["tree_roots", "numbers of nodes"]),
        ("reject-same-root.onnx", ["tree 1", "two parents"]),
        ("reject-beyond.onnx", ["nodes_truenodeids", "below 1, but one is 1"]),
        ("reject-shared.onnx", ["two of whose splits lead to one leaf", "a leaf for each"]),
        ("reject-no-members.onnx", ["membership_values", "for each split by a set"]),
        ("reject-second-base.onnx", ["class 1", "forgets"]),
        ("reject-truncated.skops", ["archive", "cut short"]),
        ("reject-child-range.txt", ["tree ", "out of range"]),
    ] {
        let words = words(file);
        assert!(pieces.iter().all(|piece| words.contains(piece)), "{file}: {words}");
    }
}

#[test]
fn a_few_bytes_that_ask_for_much_memory_are_refused() {
    // A typed container of values without bytes: 2^31 - 1 nulls, in 14 bytes.
    for marker in [b'Z', b'T', b'F'] {
        let bytes = [&b"{L\0\0\0\0\0\0\0\x01a[$"[..], &[marker], b"#l\x7f\xff\xff\xff"].concat();
        let said = import(&bytes).unwrap_err().to_string();
        assert!(said.contains("without bytes"), "{said}");
    }
    let wide = br#"{"learner": {"learner_model_param": {"base_score": "0", "num_feature": "16000000"},
        "objective": {"name": "reg:squarederror"}, "gradient_booster": {"name": "gbtree", "model": {"tree_info": [], "trees": []}}}}"#;
    assert!(import(wide).unwrap_err().to_string().contains("16000000"));
}

#[test]
fn strangers_are_told_from_models() {
    for (bytes, piece) in [
        (&b""[..], "it is empty"),
        (b"\x80\x04\x95pickle", "pickle"),
        (b"binf\0\0\0\0", "old binary format"),
        (b"age,income\n31,5000\n", "data and model were swapped"),
        (b"PAR1\0\0", "Parquet"),
    ] {
        let error = import(bytes).unwrap_err();
        assert!(
            matches!(error, ImportError::UnknownFormat { .. }) && error.to_string().contains(piece),
            "{error}"
        );
    }
}

#[test]
fn deep_nesting_and_huge_counts_are_refused_without_taking_memory() {
    let deep = format!("{{\"learner\": {}", "[".repeat(1_000_000));
    assert!(import(deep.as_bytes()).unwrap_err().to_string().contains("nested too deep"));
    let mut huge = b"{L\0\0\0\0\0\0\0\x01a[$l#L".to_vec();
    huge.extend(i64::MAX.to_be_bytes());
    assert!(matches!(import(&huge).unwrap_err(), ImportError::Syntax { format: "UBJSON", .. }));
    let features = r#"{"learner": {"gradient_booster": {"name": "gbtree", "model": {"trees": [], "tree_info": []}},
        "learner_model_param": {"num_feature": "4000000000"}, "objective": {"name": "x"}}}"#;
    assert!(matches!(import(features.as_bytes()).unwrap_err(), ImportError::TooLarge { .. }));
}

#[test]
fn a_model_that_onnxruntime_answers_otherwise_says_so() {
    let notes = |file: &str| {
        let model = import(&fs_err::read(fixtures().join("onnx-1.23.2").join(file)).unwrap()).unwrap();
        model.origin.notes.join("\n")
    };
    assert!(notes("note-pair.onnx").contains("onnxruntime answers otherwise"));
    assert!(notes("hand-class-both.onnx").contains("onnxruntime answers otherwise"));
    for plain in
        ["hand-class-signs.onnx", "forest-classes.onnx", "catboost-binary.onnx", "hand-average-targets.onnx"]
    {
        assert!(!notes(plain).contains("onnxruntime"), "{plain}");
    }
}

#[test]
fn many_sets_and_roots_cost_no_more_than_they_are() {
    // Of a model with a set, the set and its root again and again: refused at the second root, not after gigabytes.
    let bytes = fs_err::read(fixtures().join("onnx-1.23.2/reject-same-root.onnx")).unwrap();
    assert!(matches!(import(&bytes).unwrap_err(), ImportError::Tree { tree: 1, .. }));
    let bytes = fs_err::read(fixtures().join("onnx-1.23.2/single.onnx")).unwrap();
    let model = import(&bytes).unwrap();
    let n_sets: Vec<usize> = model.trees.iter().map(|tree| tree.sets().len()).collect();
    assert_eq!(n_sets, [0, 1], "every tree has the sets that its own splits name");
}

#[test]
fn an_archive_that_unpacks_to_much_is_refused_before_it_is_unpacked() {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let packed = zip::write::SimpleFileOptions::default();
    archive.start_file("schema.json", packed).unwrap();
    for _ in 0..100 {
        archive.write_all(&[b' '; 1 << 20]).unwrap();
    }
    let bytes = archive.finish().unwrap().into_inner();
    let error = import(&bytes).unwrap_err();
    assert!(bytes.len() < 1 << 18 && matches!(error, ImportError::TooLarge { .. }), "{error}");
}

fn seeds() -> Vec<Vec<u8>> {
    [
        "xgboost-3.4.1/obj-softprob.json",
        "xgboost-3.4.1/dart-binary.ubj",
        "xgboost-3.4.1/vector-categorical.json",
        "lightgbm-4.7.0/cat-strings.txt",
        "lightgbm-4.7.0/obj-multiclass.txt",
        "catboost-1.2.10/one-hot.json",
        "catboost-1.2.10/lossguide-multi.json",
        "scikit-learn-1.9.1/boosting-classes.skops",
        "onnx-1.23.2/hand-targets.onnx",
        "onnx-1.23.2/single.onnx",
    ]
    .iter()
    .filter_map(|file| fs_err::read(fixtures().join(file)).ok())
    .collect()
}

/// What is in an archive, unpacked: its checksums would hide every other damage.
fn members(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let read = |at: usize| {
        let mut member = archive.by_index(at).unwrap();
        let mut content = Vec::new();
        member.read_to_end(&mut content).unwrap();
        (member.name().unwrap().into_owned(), content)
    };
    (0..zip::ZipArchive::new(Cursor::new(bytes)).unwrap().len()).map(read).collect()
}

fn packed(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in members {
        archive.start_file(name, stored).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Whatever was read answers rows, by both ways and on both scales.
fn answers_a_row(model: &Ensemble) {
    for x in [f64::NAN, 0.0] {
        assert_eq!(model.margin(|_| x).len(), model.base.len());
        let row = FeatureMatrix::new(vec![vec![x]; model.features.len()], 1, model.cast).unwrap();
        let predictions = model.predict(&row, Scale::Prediction);
        assert_eq!(predictions.len(), model.link.n_predictions(model.base.len()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn altered_models_are_read_or_refused(
        which in 0usize..10,
        edits in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<usize>()),
    ) {
        let seeds = seeds();
        prop_assert!(seeds.len() == 10, "the seeds of this test are gone");
        let mut bytes = seeds[which % seeds.len()].clone();
        let n = bytes.len();
        for (at, byte) in edits {
            bytes[at % n] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut % n);
        }
        // What is still a model after all that must also answer a row.
        if let Ok(model) = import(&bytes) {
            answers_a_row(&model);
        }
    }

    #[test]
    fn altered_members_of_archives_are_read_or_refused(
        which in 0usize..3,
        edits in proptest::collection::vec((any::<usize>(), any::<usize>(), any::<u8>()), 1..5),
    ) {
        let files = ["forest-classes-3.skops", "hist-words.skops", "isolation-subsets.skops"];
        let bytes = fs_err::read(fixtures().join("scikit-learn-1.9.1").join(files[which])).unwrap();
        let mut members = members(&bytes);
        for (member, at, byte) in edits {
            let n_members = members.len();
            let (_, content) = &mut members[member % n_members];
            let n = content.len();
            content[at % n] = byte;
        }
        if let Ok(model) = import(&packed(&members)) {
            answers_a_row(&model);
        }
    }

    #[test]
    fn edited_numbers_are_read_or_refused(which in 0usize..10, at in any::<usize>(), number in "-?[0-9]{1,20}|NaN|-?inf|1e999|-1") {
        let seeds = seeds();
        let bytes = &seeds[which % seeds.len()];
        let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
        // Replace one whole number of the text, the edit that reaches deepest.
        let starts: Vec<usize> = text
            .char_indices()
            .filter(|&(i, c)| c.is_ascii_digit() && i > 0 && !text.as_bytes()[i - 1].is_ascii_alphanumeric() && text.as_bytes()[i - 1] != b'.')
            .map(|(i, _)| i)
            .collect();
        let start = starts[at % starts.len()];
        let end = text[start..].find(|c: char| !c.is_ascii_digit() && c != '.').map_or(text.len(), |n| start + n);
        let edited = format!("{}{number}{}", &text[..start], &text[end..]);
        if let Ok(model) = import(edited.as_bytes()) {
            answers_a_row(&model);
        }
    }

    #[test]
    fn no_bytes_make_an_importer_panic(head in 0usize..4, tail in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut bytes: Vec<u8> = [&b"{\""[..], b"{L", b"tree\n", b"{ "][head].to_vec();
        bytes.extend(tail);
        let _ = import(&bytes);
    }
}
