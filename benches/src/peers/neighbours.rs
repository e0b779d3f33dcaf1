//! Shapes beside the known ones: one more or one less, primes, other strides.

use crate::harness::pool;
use crate::show::{Table, times};
use crate::{Clock, Work, find, measure};

/// A neighbour may be this much less efficient.
const ALLOWED: f64 = 0.15;
/// A row is the best of so many rounds, the known case and its neighbours in turn.
const ROUNDS: usize = 3;

/// Known cases and shapes beside them.
const NEIGHBOURS: [(&str, &[&str]); 18] = [
    (
        "gemm_f32_64",
        &[
            "gemm:63x64x64",
            "gemm:64x65x64",
            "gemm:64x64x67",
            "gemm:61x67x71",
        ],
    ),
    (
        "gemm_f32_128",
        &["gemm:127x128x128", "gemm:129x129x129", "gemm:131x127x137"],
    ),
    (
        "gemm_f32_256",
        &["gemm:255x256x257", "gemm:257x257x257", "gemm:251x263x269"],
    ),
    (
        "gemm_f32_512",
        &["gemm:511x511x511", "gemm:513x513x513", "gemm:509x521x503"],
    ),
    (
        "gemm_f32_1024",
        &[
            "gemm:1023x1023x1023",
            "gemm:1025x1025x1025",
            "gemm:1021x1031x1033",
        ],
    ),
    (
        "gemm_f64_512",
        &[
            "gemm_f64:511x511x511",
            "gemm_f64:513x513x513",
            "gemm_f64:509x521x503",
        ],
    ),
    (
        "gemm_f32_512_nt",
        &[
            "gemm_nt:511x511x511",
            "gemm_nt:513x513x513",
            "gemm_nt:509x521x503",
        ],
    ),
    (
        "gemm_f32_512_tn",
        &[
            "gemm_tn:511x511x511",
            "gemm_tn:513x513x513",
            "gemm_tn:509x521x503",
        ],
    ),
    (
        "gemm_f32_skinny",
        &["gemm:63x784x256", "gemm:64x783x257", "gemm:67x787x251"],
    ),
    ("gemm_f32_gemv", &["gemm:1x4095x4097", "gemm:1x4093x4099"]),
    (
        "gemm_f32_gemv_nt",
        &["gemm_nt:1x4095x4097", "gemm_nt:1x4093x4099"],
    ),
    (
        "softmax_4096x1024",
        &[
            "softmax:4096x1023",
            "softmax:4096x1025",
            "softmax:4093x1021",
        ],
    ),
    (
        "conv3x3_64",
        &[
            "conv:16,64,55,55,64,3,1,1,1",
            "conv:16,63,56,56,65,3,1,1,1",
            "conv:16,61,53,59,67,3,1,1,1",
        ],
    ),
    (
        "conv_dw128",
        &[
            "conv:16,128,55,55,128,3,1,1,128",
            "conv:16,127,56,57,127,3,1,1,127",
        ],
    ),
    (
        "conv5x5_1to32",
        &[
            "conv:16,1,27,29,32,5,1,0,1",
            "conv:16,1,28,28,31,5,1,0,1",
            "conv:17,1,29,31,37,5,1,0,1",
        ],
    ),
    (
        "conv1x1_256to64",
        &[
            "conv:16,255,28,28,63,1,1,0,1",
            "conv:16,257,27,29,67,1,1,0,1",
        ],
    ),
    (
        "train_mlp_mnist",
        &["mlp:783-255-127-10@127", "mlp:787-257-131-11@131"],
    ),
    (
        "infer_mlp_mnist_b1",
        &["infer:783-255-127-10", "infer:787-257-131-11"],
    ),
];

/// Elementwise cases have the ad-hoc form of the same op beside them.
const ELEMENTWISE: [&str; 6] = ["add", "exp", "tanh", "gelu", "gelu_tanh", "chain"];

/// The table, and whether all neighbours are within the allowed distance; only the known cases whose
/// name has one of `parts`, or all.
///
/// # Errors
/// When no case is left, or when the process has a pool of threads already.
pub fn neighbours(parts: &[String], say: &dyn Fn(&str)) -> Result<(String, bool), String> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for (name, near) in NEIGHBOURS {
        groups.push((name.into(), near.iter().map(ToString::to_string).collect()));
    }
    for op in ELEMENTWISE {
        // Ad-hoc inputs lie in (0, 1], so an ad-hoc case of the same size is the reference.
        let near = [1_048_575, 1_048_577, 1_048_583].map(|n| format!("ew:{op}@{n}"));
        groups.push((format!("ew:{op}@1048576"), near.into()));
    }
    let asked = |name: &str| parts.is_empty() || parts.iter().any(|p| name.contains(p.as_str()));
    groups.retain(|(name, _)| asked(name));
    if groups.is_empty() {
        return Err(format!(
            "no known case with neighbours has '{}' in its name",
            parts.join("' or '")
        ));
    }
    pool(1)?; // times are CPU time
    let mut table = Table::new(&["case", "neighbour", "time", "efficiency", "verdict"]);
    let (mut within, mut all) = (0, 0);
    for (name, near) in groups {
        say(&name);
        let names: Vec<&String> = std::iter::once(&name).chain(&near).collect();
        let costs = costs(&names)?;
        table.row(vec![name.clone(), String::new(), times(costs[0].0)]);
        for (other, (ns, cost)) in near.iter().zip(&costs[1..]) {
            let efficiency = costs[0].1 / cost;
            let good = efficiency >= 1.0 - ALLOWED;
            within += usize::from(good);
            all += 1;
            table.row(vec![
                String::new(),
                other.clone(),
                times(*ns),
                format!("{:.0} %", 100.0 * efficiency),
                if good { "within" } else { "behind" }.into(),
            ]);
        }
    }
    let text = format!(
        "{table}\n{within} of {all} neighbours within {:.0} % of the named case's efficiency\n",
        100.0 * ALLOWED
    );
    Ok((text, within == all))
}

/// The best time of each, and nanoseconds a unit of work.
fn costs(names: &[&String]) -> Result<Vec<(f64, f64)>, String> {
    let mut best = vec![f64::MAX; names.len()];
    let mut work = Vec::new();
    for round in 0..ROUNDS {
        for (i, name) in names.iter().enumerate() {
            let case = find(name)?;
            let time = measure(Clock::Cpu, case.work(), case.start());
            best[i] = best[i].min(time.best);
            if round == 0 {
                work.push(amount(case.work()));
            }
        }
    }
    Ok(best
        .into_iter()
        .zip(work)
        .map(|(ns, work)| (ns, ns / work))
        .collect())
}

/// Operations where there are many to a byte, else bytes.
fn amount(work: Work) -> f64 {
    if work.flops > 4.0 * work.bytes {
        work.flops
    } else {
        work.bytes
    }
}
