//! Do compiled models compute their programs, whatever their disguise, and is the circuit that is told the
//! one that is there?

use std::collections::BTreeSet;

use pellucid_models::transformer::compiled::{
    Compiled, Disguise, Draft, Op, Program, ProgramError, Step, compile, examples,
};
use pellucid_models::transformer::families::to_tensors;
use pellucid_models::transformer::forward::{self, Wanted};
use pellucid_models::transformer::node::{Edge, Part, Receiver, Sender};
use pellucid_models::transformer::tap::{Tap, Untouched, View};
use pellucid_models::transformer::weights::{Linear, Packed};
use pellucid_models::transformer::{Hook, Site, Transformer, definition, from_hugging_face};
use proptest::prelude::*;

const DISGUISES: [Disguise; 3] = [
    Disguise { rotate: false, distractor_heads: 0, seed: 0 },
    Disguise { rotate: false, distractor_heads: 2, seed: 3 },
    Disguise { rotate: true, distractor_heads: 2, seed: 7 },
];

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

fn prompts(program: &Program, n: usize, seed: u64) -> Vec<Vec<u32>> {
    let mut numbers = Numbers(seed);
    let prompt = |at: usize| -> Vec<u32> {
        let length = 1 + at % program.n_ctx();
        // Of few letters, of which many recur, or of all.
        let n_letters = if at.is_multiple_of(2) { program.n_tokens().min(4) } else { program.n_tokens() };
        (0..length).map(|at| if at == 0 { 0 } else { numbers.below(n_letters) as u32 }).collect()
    };
    (0..n).map(prompt).collect()
}

/// How many certain answers were compared.
fn check(about: &str, program: &Program, compiled: &Compiled, prompts: &[Vec<u32>]) -> usize {
    let mut n = 0;
    for prompt in prompts {
        let answers = program.answers(prompt).unwrap();
        let slow = definition::run(&compiled.model, prompt, &mut Untouched).unwrap();
        let fast = forward::run(&compiled.model, &[prompt.as_slice()], Wanted::All, &mut Untouched).unwrap();
        let width = compiled.model.spec.d_vocab;
        let fast: Vec<&[f32]> = fast.answers[0].data.chunks_exact(width).collect();
        for (at, answer) in answers.iter().enumerate().filter(|(_, answer)| answer.is_certain) {
            let expected = Some(answer.value);
            assert_eq!(compiled.value(&slow[at]), expected, "{about}: definition, {prompt:?} at {at}");
            assert_eq!(compiled.value(fast[at]), expected, "{about}: forward, {prompt:?} at {at}");
            for (value, logit) in slow[at].iter().enumerate().take(compiled.n_out) {
                let exact = if value == answer.value { 10.0 } else { 0.0 };
                assert!((logit - exact).abs() < 2e-2, "{about}: {logit} for {value} at {at}");
            }
            n += 1;
        }
    }
    n
}

#[test]
fn models_answer_what_their_programs_do() {
    for (name, program) in examples::all().unwrap() {
        let prompts = prompts(&program, 64, 11);
        for disguise in DISGUISES {
            let compiled = compile(&program, disguise);
            let about = format!("{name}, {disguise:?}");
            let n = check(&about, &program, &compiled, &prompts);
            assert!(n > 150, "{about}: only {n} answers are certain");
        }
    }
}

#[test]
fn programs_answer_what_their_names_say() {
    let run = |program: Result<Program, ProgramError>| program.unwrap().run(&[0, 3, 5, 3, 3, 1]).unwrap();
    assert_eq!(run(examples::previous_token()), [0, 0, 3, 5, 3, 3]);
    assert_eq!(run(examples::induction()), [0, 0, 0, 5, 3, 0]);
    assert_eq!(run(examples::count_matches()), [0, 1, 1, 2, 3, 1]);
    assert_eq!(run(examples::is_sorted_pair()), [1, 1, 1, 0, 1, 0]);
    assert_eq!(run(examples::three_back()), [0, 0, 0, 0, 3, 5]);
    assert_eq!(run(examples::was_rarer()), [0, 0, 1, 0, 1, 1]);
    let answers = examples::induction().unwrap().answers(&[0, 3, 5, 3, 3, 1]).unwrap();
    // After 3 stood 5, and after the next 3 another one.
    assert!(answers[3].is_certain && !answers[4].is_certain);
}

#[test]
fn circuits_lead_forward_and_are_as_told() {
    let names = |edges: &BTreeSet<Edge>, model: &Transformer| -> Vec<String> {
        edges.iter().map(|edge| edge.name(&model.spec)).collect()
    };
    let plain = compile(&examples::induction().unwrap(), Disguise::default());
    assert_eq!((plain.model.spec.n_layers, plain.model.spec.n_heads), (2, 1));
    let mut expected = [
        "input->a0.h0<q>",
        "input->a0.h0<k>",
        "input->a0.h0<v>",
        "a0.h0->a1.h0<k>",
        "input->a1.h0<q>",
        "input->a1.h0<k>",
        "input->a1.h0<v>",
        "a1.h0->logits",
    ];
    let mut found = names(&plain.circuit, &plain.model);
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    let mut still = names(&plain.still, &plain.model);
    still.sort_unstable();
    assert_eq!(still, ["input->a0.h0<k>", "input->a0.h0<q>", "input->a1.h0<k>"]);

    for (name, program) in examples::all().unwrap() {
        for disguise in DISGUISES {
            let compiled = compile(&program, disguise);
            for edge in &compiled.circuit {
                edge.check(&compiled.model.spec).unwrap_or_else(|cause| panic!("{name}: {cause}"));
            }
            assert!(compiled.still.is_subset(&compiled.circuit));
            assert!(compiled.circuit.len() < Edge::all(&compiled.model.spec).len(), "{name}");
        }
    }
    let three = compile(&examples::was_rarer().unwrap(), Disguise::default());
    assert_eq!(three.model.spec.n_layers, 3);
}

/// What a node writes, row by row.
fn written(model: &Transformer, from: Sender) -> Vec<Vec<f32>> {
    let (weights, e, d) = (&model.weights, model.spec.d_head, model.spec.d_model);
    let row = |linear: &Linear, at: usize| -> Vec<f32> {
        (0..d).map(|output| linear.weight.at(at, output)).collect()
    };
    match from {
        Sender::Input => {
            let tokens =
                (0..model.spec.d_vocab).map(|token| weights.embed.column(token).collect::<Vec<f32>>());
            let positions = weights.positions.iter().flat_map(|rows| rows.data.chunks_exact(d));
            tokens.chain(positions.map(<[f32]>::to_vec)).collect()
        }
        Sender::Head { layer, head } => {
            (head * e..(head + 1) * e).map(|at| row(&weights.blocks[layer].output, at)).collect()
        }
        Sender::Mlp { layer } => {
            let post = &weights.blocks[layer].post;
            let rows = (0..model.spec.d_mlp).map(|at| row(post, at));
            rows.chain(post.bias.clone()).collect()
        }
    }
}

/// What a node reads with, column by column.
fn read_with(model: &Transformer, to: Receiver) -> Vec<Vec<f32>> {
    let (weights, e) = (&model.weights, model.spec.d_head);
    let columns = |matrix: &Packed, which: std::ops::Range<usize>| -> Vec<Vec<f32>> {
        which.map(|at| matrix.column(at).collect()).collect()
    };
    match to {
        Receiver::Head { layer, part, head } => {
            let block = &weights.blocks[layer];
            let linear = match part {
                Part::Query => &block.query,
                Part::Key => &block.key,
                Part::Value => &block.value,
            };
            columns(&linear.weight, head * e..(head + 1) * e)
        }
        Receiver::Mlp { layer } => columns(&weights.blocks[layer].pre.weight, 0..model.spec.d_mlp),
        Receiver::Logits => columns(weights.unembed.as_ref().unwrap(), 0..model.spec.d_vocab),
    }
}

#[test]
fn an_edge_is_in_the_circuit_where_what_reads_meets_what_was_written() {
    for (name, program) in examples::all().unwrap() {
        for rotate in [false, true] {
            let compiled = compile(&program, Disguise { rotate, distractor_heads: 0, seed: 2 });
            let model = &compiled.model;
            for edge in Edge::all(&model.spec) {
                let columns = read_with(model, edge.to);
                let most = columns.iter().flatten().fold(0.0_f32, |most, x| most.max(x.abs()));
                let meets = written(model, edge.from).iter().any(|row| {
                    let product = |column: &Vec<f32>| row.iter().zip(column).map(|(a, b)| a * b).sum::<f32>();
                    columns.iter().any(|column| product(column).abs() > 1e-3 * most)
                });
                let is_told = compiled.circuit.contains(&edge);
                assert_eq!(meets, is_told, "{name}, rotated {rotate}: {}", edge.name(&model.spec));
            }
        }
    }
}

/// Sets what heads or MLPs write to 0, if they have no part in the circuit.
struct Silence<'m>(&'m Compiled);

impl Tap<f64> for Silence<'_> {
    fn wants(&self, hook: Hook) -> bool {
        matches!(hook.site, Site::Result | Site::MlpOut)
    }

    fn touch(&mut self, hook: Hook, view: View<'_, f64>) {
        let layer = usize::from(hook.layer.unwrap());
        let has_part = |sender: Sender| self.0.circuit.iter().any(|edge| edge.from == sender);
        if hook.site == Site::MlpOut {
            if !has_part(Sender::Mlp { layer }) {
                view.data.fill(0.0);
            }
            return;
        }
        let spec = &self.0.model.spec;
        for (place, result) in view.data.chunks_exact_mut(spec.d_model).enumerate() {
            if !has_part(Sender::Head { layer, head: place % spec.n_heads }) {
                result.fill(0.0);
            }
        }
    }
}

#[test]
fn what_has_no_part_in_the_circuit_can_be_silenced() {
    for (name, program) in examples::all().unwrap() {
        let compiled = compile(&program, DISGUISES[2]);
        for prompt in prompts(&program, 16, 5) {
            let plain = definition::run(&compiled.model, &prompt, &mut Untouched).unwrap();
            let silent = definition::run(&compiled.model, &prompt, &mut Silence(&compiled)).unwrap();
            for (a, b) in plain.concat().iter().zip(silent.concat()) {
                assert!((a - b).abs() < 1e-2, "{name}: {a} and {b}");
            }
        }
    }
}

/// A file of safetensors.
fn file(tensors: &[(String, Vec<usize>, Vec<f32>)]) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, shape, numbers) in tensors {
        let start = data.len();
        numbers.iter().for_each(|x| data.extend(x.to_le_bytes()));
        let told = serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, data.len()] });
        header.insert(name.clone(), told);
    }
    let header = serde_json::to_vec(&header).unwrap();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    bytes.extend(data);
    bytes
}

#[test]
fn saved_models_are_read_again_to_the_bit() {
    for (name, program) in examples::all().unwrap() {
        for disguise in DISGUISES {
            let model = compile(&program, disguise).model;
            let (config, tensors) = to_tensors(&model).unwrap();
            let bytes = file(&tensors);
            let read = from_hugging_face(&serde_json::to_vec(&config).unwrap(), vec![&bytes]).unwrap();
            assert_eq!(read.spec, model.spec, "{name}");
            assert!(read.weights == model.weights, "{name}: other weights");
        }
    }
}

#[test]
fn settings_that_are_not_computed_are_refused() {
    let model = compile(&examples::previous_token().unwrap(), Disguise::default()).model;
    let (config, tensors) = to_tensors(&model).unwrap();
    let bytes = file(&tensors);
    let refusals = [
        ("parallel_attn_mlp", serde_json::json!(true)),
        ("attention_dir", serde_json::json!("bidirectional")),
        ("positional_embedding_type", serde_json::json!("shortformer")),
        ("normalization_type", serde_json::json!("BatchNorm")),
        ("use_attn_scale", serde_json::json!(false)),
        ("act_fn", serde_json::json!("solu_ln")),
        ("num_experts", serde_json::json!(2)),
        ("d_vocab_out", serde_json::json!(3)),
        ("attn_scores_soft_cap", serde_json::json!(30.0)),
    ];
    for (key, value) in refusals {
        let mut other = config.clone();
        other[key] = value;
        let found = from_hugging_face(&serde_json::to_vec(&other).unwrap(), vec![&bytes]);
        let message = found.unwrap_err().to_string();
        assert!(message.contains("supported"), "{key}: {message}");
    }
}

#[test]
fn blocks_without_mlps_are_read() {
    let model = compile(&examples::induction().unwrap(), Disguise::default()).model;
    let (mut config, mut tensors) = to_tensors(&model).unwrap();
    config["attn_only"] = true.into();
    config["act_fn"] = serde_json::Value::Null;
    config["d_mlp"] = serde_json::Value::Null;
    tensors.retain(|(name, ..)| !name.contains(".mlp."));
    let bytes = file(&tensors);
    let read = from_hugging_face(&serde_json::to_vec(&config).unwrap(), vec![&bytes]).unwrap();
    assert!(read.weights == model.weights);
}

#[test]
fn the_same_seed_is_the_same_model_and_another_is_not() {
    let program = examples::count_matches().unwrap();
    let of = |seed| compile(&program, Disguise { rotate: true, distractor_heads: 1, seed }).model.weights;
    assert!(of(1) == of(1));
    assert!(of(1) != of(2));
}

#[test]
fn nonsense_is_no_program() {
    assert!(matches!(Draft::new(0, 4), Err(ProgramError::Empty { .. })));
    let mut draft = Draft::new(3, 4).unwrap();
    let mut other = Draft::new(4, 4).unwrap();
    let (tokens, foreign) = (draft.tokens(), other.tokens());
    assert_eq!(draft.map(foreign, 2, vec![0, 1, 0, 1]), Err(ProgramError::Stranger));
    assert!(matches!(
        draft.map(tokens, 2, vec![0, 1]),
        Err(ProgramError::Size { found: 2, expected: 3, .. })
    ));
    assert_eq!(draft.map(tokens, 2, vec![0, 1, 2]), Err(ProgramError::Value { found: 2, last: 1 }));
    assert!(matches!(draft.map(tokens, 2, vec![1, 1, 1]), Err(ProgramError::Heedless { .. })));
    let one_heeded = vec![vec![0, 0, 0], vec![1, 1, 1], vec![0, 0, 0]];
    assert!(matches!(draft.zip(tokens, tokens, 2, one_heeded), Err(ProgramError::Heedless { .. })));
    assert!(matches!(draft.count(tokens, tokens, vec![vec![true; 3]; 2]), Err(ProgramError::Size { .. })));
    let later = other.map(foreign, 2, vec![0, 1, 0, 1]).unwrap();
    assert!(matches!(draft.clone().finish(later), Err(ProgramError::Stranger)));
    let program = draft.finish(tokens).unwrap();
    assert!(matches!(program.run(&[1, 2]), Err(ProgramError::First { found: 1 })));
    assert!(matches!(program.run(&[]), Err(ProgramError::Prompt(_))));
    assert!(matches!(program.run(&[0; 5]), Err(ProgramError::Prompt(_))));
}

/// A program of steps that were drawn.
fn drawn(seed: u64) -> Program {
    let mut numbers = Numbers(seed);
    let (n_tokens, n_ctx) = (2 + numbers.below(4), 3 + numbers.below(5));
    let mut draft = Draft::new(n_tokens, n_ctx).unwrap();
    let mut ops: Vec<Op> = vec![draft.tokens(), draft.indices()];
    for _ in 0..2 + numbers.below(5) {
        let (a, b) = (ops[numbers.below(ops.len())], ops[numbers.below(ops.len())]);
        let kind = numbers.below(5);
        let (n, m) = (draft.size(a).unwrap(), draft.size(b).unwrap());
        let mut table = |most: usize| -> Vec<Vec<usize>> {
            (0..n).map(|_| (0..m).map(|_| numbers.below(most)).collect()).collect()
        };
        let made = match kind {
            0 => draft.map(a, 3, table(3).iter().map(|row| row[0]).collect()),
            1 => draft.zip(a, b, 3, table(3)),
            2 => {
                // One back, where that can be told; else what is alike.
                let indices = draft.indices();
                let row = |key: usize| (0..n_ctx).map(|query| key + 1 == query).collect::<Vec<bool>>();
                draft.aggregate(indices, indices, (0..n_ctx).map(row).collect(), a)
            }
            3 => draft.aggregate(a, b, predicate(&table(3)), a),
            _ => draft.count(a, b, predicate(&table(2))),
        };
        // A table that was drawn may say nothing.
        if let Ok(op) = made {
            ops.push(op);
        }
    }
    let last = ops[ops.len() - 1];
    draft.finish(last).unwrap()
}

fn predicate(table: &[Vec<usize>]) -> Vec<Vec<bool>> {
    table.iter().map(|row| row.iter().map(|x| *x == 0).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn drawn_programs_are_compiled_as_well(seed: u64, rotate: bool, distractor_heads in 0_usize..3) {
        let program = drawn(seed);
        prop_assert!(matches!(program.steps()[0], Step::Tokens));
        let compiled = compile(&program, Disguise { rotate, distractor_heads, seed });
        check("drawn", &program, &compiled, &prompts(&program, 12, seed));
        for edge in &compiled.circuit {
            prop_assert!(edge.check(&compiled.model.spec).is_ok());
        }
    }
}
