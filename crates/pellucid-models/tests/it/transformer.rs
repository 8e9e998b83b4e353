//! Does the definition compute what Hugging Face's models and TransformerLens compute, at every site?

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use pellucid_data::{Control, Level, Stopped, Watch};
use pellucid_fixtures::fixtures;
use pellucid_models::transformer::forward::{self, Past, Stream, Wanted};
use pellucid_models::transformer::spec::{Activation, Family, NormKind, Positions, Spec, Stretch};
use pellucid_models::transformer::tap::{Tap, Untouched, View};
use pellucid_models::transformer::weights::{
    BlockWeights, Gguf, Linear, NormWeights, Packed, Safetensors, Tensors, Weights,
};
use pellucid_models::transformer::{
    Capture, Hook, Machine, Origin, Processing, RunError, Site, Transformer, definition, from_gguf,
    from_hugging_face,
};
use proptest::prelude::*;

pub(crate) fn folder() -> PathBuf {
    fixtures().join("transformers-5.24.0")
}

pub(crate) fn tiny(name: &str) -> Transformer {
    let folder = folder().join(name);
    let mut files: Vec<Vec<u8>> = Vec::new();
    for entry in fs_err::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        if file.starts_with("model") && file.ends_with(".safetensors") {
            files.push(fs_err::read(path).unwrap());
        }
    }
    let config = fs_err::read(folder.join("config.json")).unwrap();
    from_hugging_face(&config, files.iter().map(Vec::as_slice).collect()).unwrap()
}

pub(crate) fn tokens() -> Vec<u32> {
    let text = fs_err::read_to_string(folder().join("tokens.json")).unwrap();
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(told["tokens"].clone()).unwrap()
}

/// Numbers of 64 bits, as the files hold them.
pub(crate) fn expected(file: &str) -> BTreeMap<Hook, Vec<f64>> {
    let bytes = fs_err::read(folder().join(file)).unwrap();
    let tensors = Safetensors::open(vec![&bytes]).unwrap();
    let length = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let mut found = BTreeMap::new();
    for name in tensors.names() {
        assert_eq!(header[name]["dtype"], "F64");
        let offsets: Vec<usize> = serde_json::from_value(header[name]["data_offsets"].clone()).unwrap();
        let raw = &bytes[8 + length + offsets[0]..8 + length + offsets[1]];
        let numbers = raw.as_chunks().0.iter().map(|eight| f64::from_le_bytes(*eight)).collect();
        // What comes out of the last norm has no name of its own here: it is `normalized` times the norm's weights.
        if name != "unembed.hook_in" {
            assert!(found.insert(name.parse().unwrap(), numbers).is_none(), "{name}");
        }
    }
    found
}

fn check(about: &str, model: &Transformer, file: &str) -> usize {
    let expected = expected(file);
    let mut seen = Capture::of(expected.keys().copied().collect());
    definition::run(model, &tokens(), &mut seen).unwrap();
    for (hook, theirs) in &expected {
        model.spec.check(*hook).unwrap();
        let ours = &seen.seen[&(0, *hook)];
        assert_eq!(ours.data.len(), theirs.len(), "{about}: {hook} is {:?}", ours.shape);
        let most = theirs.iter().filter(|x| x.is_finite()).fold(1.0, |most: f64, x| most.max(x.abs()));
        for (ours, theirs) in ours.data.iter().zip(theirs) {
            let is_same = ours == theirs || (ours - theirs).abs() <= 1e-12 * most;
            assert!(is_same, "{about}: {hook}: {ours} and {theirs}");
        }
    }
    expected.len()
}

#[test]
fn the_definition_is_what_both_libraries_compute_at_every_site() {
    let mut n = 0;
    for name in ["gpt2", "llama", "mistral", "qwen2", "bert", "llama-stretched", "llama-wide"] {
        let model = tiny(name);
        n += check(name, &model, &format!("{name}/hugging-face.expected.safetensors"));
        if !name.starts_with("llama-") {
            n += check(name, &model, &format!("{name}/transformer-lens.expected.safetensors"));
        }
    }
    assert!(n > 400, "only {n} sites were compared");
}

#[test]
fn gguf_files_hold_the_same_model() {
    let bytes = fs_err::read(folder().join("llama.gguf")).unwrap();
    let model = from_gguf(&bytes).unwrap();
    assert_eq!(model.weights, tiny("llama-wide").weights);
    assert_eq!(model.spec, tiny("llama-wide").spec);
    assert_eq!((model.origin.format, model.origin.usual()), ("gguf", "F32"));
    check("gguf", &model, "llama-wide/hugging-face.expected.safetensors");
}

#[test]
fn quantized_blocks_hold_the_numbers_that_ggml_says() {
    let bytes = fs_err::read(folder().join("blocks.safetensors")).unwrap();
    let length = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let expected = fs_err::read(folder().join("blocks.expected.safetensors")).unwrap();
    let expected = Safetensors::open(vec![&expected]).unwrap();
    let kinds = [
        ("Q4_0", 2),
        ("Q4_1", 3),
        ("Q5_0", 6),
        ("Q5_1", 7),
        ("Q8_0", 8),
        ("Q2_K", 10),
        ("Q3_K", 11),
        ("Q4_K", 12),
        ("Q5_K", 13),
        ("Q6_K", 14),
    ];
    for (kind, code) in kinds {
        let offsets: Vec<usize> = serde_json::from_value(header[kind]["data_offsets"].clone()).unwrap();
        let raw = &bytes[8 + length + offsets[0]..8 + length + offsets[1]];
        let theirs = expected.read(kind).unwrap();
        // A file of one tensor.
        let mut file = b"GGUF".to_vec();
        file.extend(3_u32.to_le_bytes());
        file.extend(1_u64.to_le_bytes());
        file.extend(0_u64.to_le_bytes());
        file.extend(1_u64.to_le_bytes());
        file.extend(b"x");
        file.extend(1_u32.to_le_bytes());
        file.extend((theirs.len() as u64).to_le_bytes());
        file.extend((code as u32).to_le_bytes());
        file.extend(0_u64.to_le_bytes());
        file.resize(file.len().next_multiple_of(32), 0);
        file.extend(raw);
        let ours = Gguf::open(&file).unwrap().read("x").unwrap();
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!((ours - theirs).abs() <= 1e-6 * theirs.abs().max(1.0), "{kind}: {ours} and {theirs}");
        }
    }
}

/// The largest difference, relative to the largest number.
fn apart(ours: &[f32], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let most = theirs.iter().filter(|x| x.is_finite()).fold(1.0, |most: f64, x| most.max(x.abs()));
    ours.iter().zip(theirs).fold(0.0, |worst: f64, (ours, theirs)| {
        let off = if f64::from(*ours) == *theirs { 0.0 } else { (f64::from(*ours) - theirs).abs() / most };
        if off.is_nan() { f64::INFINITY } else { worst.max(off) }
    })
}

const TINY: [&str; 7] = ["gpt2", "llama", "mistral", "qwen2", "bert", "llama-stretched", "llama-wide"];

#[test]
fn the_fast_pass_is_the_definition_at_every_site_alone_and_among_others() {
    let tokens = tokens();
    let (short, one) = (&tokens[2..6], &tokens[..1]);
    for name in TINY {
        let model = tiny(name);
        let hooks = model.spec.hooks();
        for prompts in [vec![&tokens[..]], vec![short, &tokens[..], one]] {
            for level in [Level::Portable, Level::Avx2, Level::Avx512] {
                let machine = Machine { level, ..Machine::one_thread() };
                // All at once, and each by itself: what is not looked at takes other ways.
                let mut all = Capture::of(hooks.clone());
                let answer = forward::run_on(&model, &prompts, Wanted::All, &mut all, machine).unwrap();
                for (at, tokens) in prompts.iter().enumerate() {
                    let mut slow = Capture::of(hooks.clone());
                    let logits = definition::run(&model, tokens, &mut slow).unwrap().concat();
                    let off = apart(&answer.answers[at].data, &logits);
                    assert!(off < 2e-5, "{name}: the answer is off by {off:e}");
                    for hook in &hooks {
                        let theirs = &slow.seen[&(0, *hook)];
                        let ours = &all.seen[&(at, *hook)];
                        assert_eq!(ours.shape, theirs.shape, "{name}: {hook}");
                        let off = apart(&ours.data, &theirs.data);
                        assert!(off < 2e-5, "{name}, {level:?}: {hook} is off by {off:e}");
                        let mut alone = Capture::of(vec![*hook]);
                        forward::run_on(&model, &prompts, Wanted::Last, &mut alone, machine).unwrap();
                        let off = apart(&alone.seen[&(at, *hook)].data, &theirs.data);
                        assert!(off < 2e-5, "{name}, {level:?}: {hook} alone is off by {off:e}");
                    }
                }
            }
        }
    }
}

/// Changes a site of one prompt: numbers grow by a share that depends on their place.
struct Change {
    at: Hook,
}

impl<F: Copy + From<f32> + std::ops::MulAssign> Tap<F> for Change {
    fn wants(&self, hook: Hook) -> bool {
        hook == self.at
    }

    fn touch(&mut self, _: Hook, view: View<'_, F>) {
        for (place, x) in view.data.iter_mut().enumerate() {
            *x *= F::from(1.0 + (place % 5) as f32 / 8.0);
        }
    }
}

#[test]
fn a_change_at_any_site_moves_the_answer_as_the_definition_says() {
    let tokens = tokens();
    for name in TINY {
        let model = tiny(name);
        let plain = definition::run(&model, &tokens, &mut Untouched).unwrap().concat();
        for hook in model.spec.hooks() {
            let slow = definition::run(&model, &tokens, &mut Change { at: hook }).unwrap().concat();
            let fast = forward::run(&model, &[&tokens], Wanted::All, &mut Change { at: hook }).unwrap();
            let off = apart(&fast.answers[0].data, &slow);
            assert!(off < 5e-5, "{name}: with {hook} changed the answer is off by {off:e}");
            let moved = plain.iter().zip(&slow).any(|(a, b)| (a - b).abs() > 1e-6);
            assert!(moved, "{name}: a change of {hook} moves nothing");
        }
    }
}

/// Is asked so often, and then says stop.
struct After {
    n: usize,
    asked: AtomicUsize,
}

impl Watch for After {
    fn should_stop(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) >= self.n
    }
}

#[test]
fn a_run_stops_before_the_block_that_it_was_stopped_at() {
    let tokens = tokens();
    for name in TINY {
        let model = tiny(name);
        let spec = &model.spec;
        let hooks: Vec<Hook> = (0..spec.n_layers).map(|layer| Hook::at(Site::ResidPre, layer)).collect();
        for threads in [1, 2] {
            for n in 0..=spec.n_layers {
                let watch = After { n, asked: AtomicUsize::new(0) };
                let control = Control { threads: NonZeroUsize::new(threads).unwrap(), watch: &watch };
                let machine = Machine::of(&control);
                let mut seen = Capture::of(hooks.clone());
                let found = forward::run_on(&model, &[&tokens], Wanted::Residual, &mut seen, machine);
                assert_eq!(seen.seen.len(), n, "{name}: blocks that were run");
                let is_whole = n == spec.n_layers;
                assert_eq!(found.err(), (!is_whole).then_some((0, RunError::Stopped)), "{name}: {n}");
                // The rest of a run asks as often as it has blocks.
                let residual = vec![0.5; 3 * spec.d_model];
                let stream = Stream { residual, first: 0, past: None };
                watch.asked.store(1, Ordering::Relaxed);
                let rest =
                    forward::resume(&model, 1, vec![stream], Wanted::Residual, &mut Untouched, machine);
                assert_eq!(rest.err(), (!is_whole).then_some(Stopped), "{name}: {n}");
            }
        }
    }
}

#[test]
fn a_run_that_is_taken_up_in_the_middle_is_the_whole_run_to_the_bit() {
    let tokens = tokens();
    for name in TINY.into_iter().filter(|name| *name != "bert") {
        let model = tiny(name);
        let spec = &model.spec;
        for level in [Level::Portable, Level::Avx2, Level::Avx512] {
            let machine = Machine { level, ..Machine::one_thread() };
            let mut hooks = Past::hooks(spec);
            hooks.extend((0..spec.n_layers).map(|layer| Hook::at(Site::ResidPre, layer)));
            let mut seen = Capture::of(hooks);
            let prompts = [&tokens[1..6], &tokens[..]];
            let whole = forward::run_on(&model, &prompts, Wanted::All, &mut seen, machine).unwrap();
            let alone = forward::run_on(&model, &[&tokens], Wanted::All, &mut Untouched, machine).unwrap();
            assert_eq!(alone.answers[0], whole.answers[1], "{name}: alone and among others");
            let answers = [7, 3, 41];
            let some =
                forward::run_on(&model, &prompts, Wanted::Tokens(&answers), &mut Untouched, machine).unwrap();
            for (few, all) in some.answers.iter().zip(&whole.answers) {
                let last = &all.data[all.data.len() - spec.d_vocab..];
                assert_eq!(few.data, answers.map(|token| last[token as usize]), "{name}: some logits");
            }
            assert!(some.multiply_adds < alone.multiply_adds * 2);
            let past = Past::of(spec, &seen, 1).unwrap();
            for layer in 0..spec.n_layers {
                for first in 0..tokens.len() {
                    let before = &seen.seen[&(1, Hook::at(Site::ResidPre, layer))].data;
                    let stream = Stream {
                        residual: before[first * spec.d_model..].to_vec(),
                        first,
                        past: Some(&past),
                    };
                    let streams = vec![stream.clone(), stream];
                    let found = forward::resume(&model, layer, streams, Wanted::All, &mut Untouched, machine)
                        .unwrap();
                    let theirs = &whole.answers[1].data[first * spec.d_vocab..];
                    assert_eq!(
                        found.answers[0].data, theirs,
                        "{name}, {level:?}: from block {layer}, position {first}"
                    );
                    assert_eq!(found.answers[1], found.answers[0]);
                }
            }
        }
    }
}

#[test]
fn newer_instructions_change_no_bit() {
    let tokens = tokens();
    for name in TINY {
        let model = tiny(name);
        let of = |level| {
            let machine = Machine { level, ..Machine::one_thread() };
            forward::run_on(&model, &[&tokens], Wanted::All, &mut Untouched, machine).unwrap().answers
        };
        // Both multiply and add in one step; what is portable rounds in between.
        assert_eq!(of(Level::Avx2), of(Level::Avx512), "{name}");
    }
}

/// A decoder that is large enough for threads to share its products, heads and rows.
fn small_random() -> Transformer {
    let spec = Spec {
        family: Family::Llama,
        n_layers: 2,
        d_model: 128,
        n_heads: 8,
        n_kv_heads: 4,
        d_head: 16,
        d_mlp: 512,
        d_vocab: 600,
        n_ctx: 128,
        activation: Activation::Silu,
        is_gated: true,
        norm: NormKind::RootMeanSquare,
        eps: 1e-5,
        positions: Positions::Rotary { base: 10_000.0, stretch: Stretch::None },
        is_decoder: true,
        window: None,
        n_token_types: 0,
    };
    let mut seed = 0;
    let mut packed = |n_in: usize, n_out: usize| {
        seed += 1;
        let seed = seed;
        let number = move |at: usize| ((at * 7_919 + seed * 104_729) % 20_011) as f32 / 100_000.0 - 0.1;
        Packed::from_fn(n_in, n_out, |input, output| number(input * n_out + output))
    };
    let mut linear = |n_in, n_out| Linear { weight: packed(n_in, n_out), bias: None };
    let norm = || NormWeights { weight: (0..128).map(|at| 0.5 + at as f32 / 128.0).collect(), bias: None };
    let mut block = || BlockWeights {
        ln1: norm(),
        query: linear(128, 128),
        key: linear(128, 64),
        value: linear(128, 64),
        output: linear(128, 128),
        ln2: norm(),
        pre: linear(128, 512),
        pre_linear: Some(linear(128, 512)),
        post: linear(512, 128),
    };
    let blocks = vec![block(), block()];
    let embed = packed(128, 600);
    let weights = Weights {
        unembed: Some(embed.clone()),
        embed,
        positions: None,
        token_types: None,
        embed_norm: None,
        blocks,
        final_norm: Some(norm()),
        unembed_bias: None,
    };
    let origin = Origin { format: "none", kept: BTreeMap::new(), name: None };
    Transformer { spec, weights, origin, processing: Processing::default() }
}

#[test]
fn threads_change_no_bit_of_what_is_answered_and_seen() {
    let model = small_random();
    let prompts: Vec<Vec<u32>> =
        [70, 33, 1].map(|n| (0..n).map(|at| at * 37 % 600).collect()).into_iter().collect();
    let prompts: Vec<&[u32]> = prompts.iter().map(Vec::as_slice).collect();
    let made = |threads: usize| {
        let machine = Machine::with(NonZeroUsize::new(threads).unwrap());
        let mut seen = Capture::of(model.spec.hooks());
        let looked = forward::run_on(&model, &prompts, Wanted::All, &mut seen, machine).unwrap();
        let plain = forward::run_on(&model, &prompts, Wanted::All, &mut Untouched, machine).unwrap();
        assert_eq!(looked.answers, plain.answers, "looking changes nothing");
        (plain.answers, plain.multiply_adds, seen.seen)
    };
    let alone = made(1);
    for threads in [2, 3, 8] {
        assert!(made(threads) == alone, "{threads} threads");
    }
    let slow = definition::run(&model, prompts[1], &mut Untouched).unwrap();
    let fast = alone.0[1].data.chunks_exact(600);
    for (slow, fast) in slow.iter().zip(fast) {
        assert!(slow.iter().zip(fast).all(|(slow, fast)| (slow - f64::from(*fast)).abs() < 1e-4));
    }
}

#[test]
fn sites_are_read_by_all_their_names_and_typos_are_told() {
    for (name, same) in [
        ("blocks.3.attn.hook_q", "blocks.3.attn.q.hook_out"),
        ("blocks.0.hook_resid_pre", "blocks.0.hook_in"),
        ("blocks.0.hook_resid_pre", "blocks.0.resid_pre"),
        ("blocks.11.attn.hook_z", "blocks.11.z"),
        ("blocks.11.attn.hook_z", "blocks.11.hook_z"),
        ("blocks.1.mlp.hook_post", "blocks.1.mlp.out.hook_in"),
        ("ln_final.hook_scale", "ln_final.scale"),
        ("hook_embed", "embed"),
    ] {
        let hook: Hook = same.parse().unwrap();
        assert_eq!(hook.to_string(), name);
        assert_eq!(name.parse::<Hook>().unwrap(), hook);
    }
    assert!("blocks.3.attn.hook_q".parse::<Site>().unwrap_err().to_string().contains("did you mean `q`"));
    assert_eq!("blocks.0.mlp.gate.hook_out".parse::<Hook>().unwrap().site, Site::MlpPre);
    assert!("blocks.0.mlp.in.hook_out".parse::<Hook>().is_err(), "one name for two things");
    let model = tiny("llama");
    for hook in model.spec.hooks() {
        assert_eq!(hook.to_string().parse::<Hook>().unwrap(), hook, "what is printed is read");
    }
    let wrong = |name: &str| name.parse::<Hook>().unwrap_err().to_string();
    assert!(
        wrong("blocks.0.hook_resid_pr").contains("did you mean `blocks.0.hook_resid_pre`"),
        "{}",
        wrong("blocks.0.hook_resid_pr")
    );
    assert!(wrong("resid_pre").contains("blocks.0.hook_resid_pre"));
    assert!(wrong("blocks.x.hook_z").contains("`x` is no number of a block"));
    assert!("rezid_pre".parse::<Site>().unwrap_err().to_string().contains("did you mean `resid_pre`"));
    let gone = |name: &str| model.spec.check(name.parse().unwrap()).unwrap_err().to_string();
    assert!(gone("hook_pos_embed").contains("llama models have no such site"));
    assert!(gone("blocks.2.hook_z").contains("blocks 0 to 1"));
}

#[test]
fn prompts_that_cannot_be_run_are_told() {
    let model = tiny("gpt2");
    let run =
        |tokens: &[u32]| forward::run(&model, &[&[1, 2], tokens], Wanted::Last, &mut Untouched).unwrap_err();
    assert_eq!(run(&[]).1.to_string(), "the prompt has no tokens");
    assert_eq!(run(&[0; 33]).1.to_string(), "the prompt has 33 tokens; this model reads at most 32");
    assert_eq!(run(&[4, 50]), (1, RunError::Token { at: 1, token: 50, size: 50 }));
}

#[test]
fn files_that_are_no_models_are_told() {
    let folder = folder();
    let config = fs_err::read_to_string(folder.join("gpt2/config.json")).unwrap();
    let weights = fs_err::read(folder.join("gpt2/model.safetensors")).unwrap();
    let told = |config: &str, weights: &[u8]| {
        from_hugging_face(config.as_bytes(), vec![weights]).unwrap_err().to_string()
    };
    let with = |from: &str, to: &str| {
        assert!(config.contains(from), "{from}");
        told(&config.replace(from, to), &weights)
    };
    assert!(with("\"gpt2\"", "\"mamba\"").contains("`mamba` is not supported; gpt2, llama"));
    assert!(
        with("\"n_layer\": 2", "\"n_layer\": 3")
            .contains("`transformer.h.2.attn.c_attn.weight` is not there")
    );
    assert!(
        with("\"n_embd\": 16", "\"n_embd\": 32").contains("[16], and [32] is expected")
            || with("\"n_embd\": 16", "\"n_embd\": 32").contains("is expected")
    );
    assert!(with("\"gelu_new\"", "\"mish\"").contains("`mish` is not supported"));
    assert!(with("\"n_head\": 4", "\"n_head\": 0").contains("is 0"));
    assert!(with("\"n_head\": 4", "\"n_head\": 3").contains("do not divide 16"));
    assert!(told("{", &weights).contains("config.json"));
    assert!(told("{}", &weights).contains("model_type"));
    assert!(told(&config, &weights[..1000]).contains("longer than the file"));
    assert!(told(&config, &weights[..weights.len() - 8]).contains("cut short"));
    let mut damaged = weights.clone();
    let last = damaged.len() - 4;
    damaged[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(told(&config, &damaged).contains("not finite"));
    let gguf = fs_err::read(folder.join("llama.gguf")).unwrap();
    for cut in [0, 3, 8, 20, 100, 600, gguf.len() - 1] {
        assert!(from_gguf(&gguf[..cut]).is_err(), "{cut}");
    }
    assert!(from_gguf(b"GGUF\x09\0\0\0").unwrap_err().to_string().contains("version 9"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damage_makes_errors_and_no_more(which in 0usize..3, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<Option<prop::sample::Index>>()) {
        let folder = folder();
        let read = |name: &str| fs_err::read(folder.join(name)).unwrap();
        let (mut config, mut weights) = (read("llama/config.json"), if which == 0 { read("llama.gguf") } else { read("llama/model.safetensors") });
        let target = if which == 1 { &mut config } else { &mut weights };
        for (at, byte) in changes {
            // Most of what can go wrong stands at the beginning.
            let place = at.index(target.len().min(4000));
            target[place] = byte;
        }
        if let Some(cut) = cut {
            target.truncate(cut.index(target.len()));
        }
        let model = if which == 0 { from_gguf(&weights) } else { from_hugging_face(&config, vec![&weights]) };
        if let Ok(model) = model {
            let prompt = vec![0; model.spec.n_ctx.min(2)];
            forward::run(&model, &[&prompt], Wanted::Last, &mut Untouched).unwrap();
        }
    }
}

#[test]
fn processed_weights_are_those_of_transformer_lens_and_answer_the_same() {
    let expected = expected("gpt2/transformer-lens-processed.expected.safetensors");
    let model = tiny("gpt2");
    let all = Processing::all(&model);
    assert_eq!(all.steps().len(), 4);
    let folded = model.clone().processed(all).unwrap();
    assert_eq!(folded.processing, all);
    let mut seen = Capture::of(expected.keys().copied().collect());
    definition::run(&folded, &tokens(), &mut seen).unwrap();
    let mut n_moved = 0;
    let mut plain = Capture::of(expected.keys().copied().collect());
    definition::run(&model, &tokens(), &mut plain).unwrap();
    for (hook, theirs) in &expected {
        let ours: Vec<f32> = seen.seen[&(0, *hook)].data.iter().map(|x| *x as f32).collect();
        let off = apart(&ours, theirs);
        assert!(off < 2e-6, "{hook} is off by {off:e}");
        let raw: Vec<f32> = plain.seen[&(0, *hook)].data.iter().map(|x| *x as f32).collect();
        n_moved += usize::from(apart(&raw, theirs) > 1e-3);
    }
    assert!(n_moved > 10, "folding moves what is seen inside");
    // The answers stay, but for one number a position.
    for name in TINY {
        let model = tiny(name);
        let plain = definition::run(&model, &tokens(), &mut Untouched).unwrap();
        let steps = Processing::all(&model);
        let folded = model.processed(steps).unwrap();
        let other = definition::run(&folded, &tokens(), &mut Untouched).unwrap();
        for (a, b) in plain.iter().zip(&other) {
            let mean = if steps.center_unembed { a.iter().sum::<f64>() / a.len() as f64 } else { 0.0 };
            for (a, b) in a.iter().zip(b) {
                assert!((a - mean - b).abs() < 2e-5 * a.abs().max(1.0), "{name}: {} and {b}", a - mean);
            }
        }
    }
    let wrong = Processing { fold_ln: true, ..Processing::default() };
    assert!(tiny("bert").processed(wrong).unwrap_err().to_string().contains("would change"));
    let wrong = Processing { center_writing_weights: true, ..Processing::default() };
    assert!(tiny("llama").processed(wrong).unwrap_err().to_string().contains("do not take the mean away"));
    assert!(Processing::of(["fold"], &model).unwrap_err().to_string().contains("there is no step `fold`"));
}

/// The largest difference of the definition from Hugging Face at some sites.
fn off_at(model: &Transformer, sites: &[Site], file: &str) -> f64 {
    let expected = expected(file);
    let mut seen = Capture::of(expected.keys().copied().collect());
    definition::run(model, &tokens(), &mut seen).unwrap();
    let of = |(hook, theirs): (&Hook, &Vec<f64>)| {
        let ours: Vec<f32> = seen.seen[&(0, *hook)].data.iter().map(|x| *x as f32).collect();
        apart(&ours, theirs)
    };
    expected.iter().filter(|(hook, _)| sites.contains(&hook.site)).map(of).fold(0.0, f64::max)
}

/// A model whose heads of keys and values stand in another order.
fn with_key_heads(mut model: Transformer, order: impl Fn(usize) -> usize) -> Transformer {
    let e = model.spec.d_head;
    for block in &mut model.weights.blocks {
        for linear in [&mut block.key, &mut block.value] {
            let old = linear.weight.clone();
            let from = |output: usize| order(output / e) * e + output % e;
            linear.weight =
                Packed::from_fn(old.n_in(), old.n_out(), |input, output| old.at(input, from(output)));
        }
    }
    model
}

#[test]
fn query_heads_that_follow_one_another_share_keys_and_values() {
    let file = "llama/hugging-face.expected.safetensors";
    let model = tiny("llama");
    let n = model.spec.n_kv_heads;
    assert!(model.spec.n_shared() > 1 && n > 1, "the test needs grouped heads");
    let sites = [Site::Mixed, Site::AttnOut];
    assert!(off_at(&model, &sites, file) < 1e-6);
    // Were heads dealt out in turn (0, 1, 0, 1) instead of in groups (0, 0, 1, 1), other numbers would come: here heads in a wrong order.
    let turned = with_key_heads(model, |head| n - 1 - head);
    assert!(off_at(&turned, &sites, file) > 1e-2, "a wrong order of the groups is seen");
}

#[test]
fn rotations_pair_the_halves_of_a_head_and_not_neighbours() {
    let file = "llama/hugging-face.expected.safetensors";
    let model = tiny("llama");
    let sites = [Site::Mixed, Site::AttnOut];
    assert!(off_at(&model, &sites, file) < 1e-6);
    // Rows of queries and keys as GGUF keeps them: neighbours are pairs. Nobody has put them back here.
    let e = model.spec.d_head;
    let mut paired = model;
    for block in &mut paired.weights.blocks {
        for linear in [&mut block.query, &mut block.key] {
            let old = linear.weight.clone();
            let from = |output: usize| output / e * e + output % e / 2 + output % 2 * (e / 2);
            linear.weight =
                Packed::from_fn(old.n_in(), old.n_out(), |input, output| old.at(input, from(output)));
        }
    }
    assert!(off_at(&paired, &sites, file) > 1e-3, "a wrong order of the pairs is seen");
}
