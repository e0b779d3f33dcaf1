use super::*;
use crate::machine::{Fingerprint, Roof};

fn row(id: &str, machine: &str, ns: f64) -> Row {
    Row {
        id: id.into(),
        case: "gemm_f32_64".into(),
        ns_min: ns,
        ns_median: 1.01 * ns,
        ns_mad: 0.001 * ns,
        samples: 11,
        clock: "cpu".into(),
        units: 1.0,
        instructions: Some(1e6),
        instructions_simd: Some("avx2".into()),
        flops: 5e5,
        bytes: 5e4,
        roof: Roof {
            peak: 100.0,
            l2: 90.0,
            l3: 50.0,
            dram: 20.0,
            caches: [1 << 20, 1 << 25],
        },
        share: Some(0.5),
        allocations: Some(1.0),
        allocated_bytes: Some(64.0),
        machine: Fingerprint {
            id: machine.into(),
            ..Fingerprint::here()
        },
        simd: "avx2".into(),
        threads: 1,
        commit: Some("0123456789abcdef".into()),
        dirty: false,
        time: "2026-01-01T00:00:00Z".into(),
    }
}

const ID: &str = "gemm/f32/64x64x64/nn/avx2/t1";

#[test]
fn machines_stand_apart() {
    let page = page(&[row(ID, "aaaa", 9.0), row(ID, "bbbb", 900.0)], &[]);
    assert_eq!(page.matches("<section>").count(), 2);
    // Each is the first of its own history.
    assert_eq!(page.matches("first").count(), 2);
    assert!(!page.contains("Trends"));
}

#[test]
fn a_page_stands_alone() {
    let page = page(&[row(ID, "aaaa", 9.0), row(ID, "aaaa", 12.0)], &[]);
    assert!(
        page.contains("class=\"slower\">+33.3 %"),
        "the change is news"
    );
    for outside in ["http", "<script", "src=", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn a_change_within_the_own_history_is_no_news() {
    let times = [100.0, 110.0, 101.0, 111.0, 100.0, 109.0, 100.0, 111.0];
    let noisy: Vec<Row> = times.iter().map(|t| row(ID, "aaaa", *t)).collect();
    assert!(page(&noisy, &[]).contains("class=\"same\">+11.0 %"));
    let calm: Vec<Row> = [100.0; 8]
        .iter()
        .chain(&[111.0])
        .map(|t| row(ID, "aaaa", *t))
        .collect();
    assert!(page(&calm, &[]).contains("class=\"slower\">+11.0 %"));
}

#[test]
fn peers_of_another_machine_are_compared_with_nothing_here() {
    let peer = |machine: Option<&str>, peer: &str| Timed {
        peer: peer.into(),
        case: "gemm_f32_64".into(),
        threads: 1,
        ns_per_iter: 20.0,
        ns_best: 18.0,
        gflops_best: None,
        gbps_best: None,
        machine: machine.map(str::to_owned),
    };
    let rows = [row(ID, "aaaa", 9.0)];
    let ours = page(&rows, &[peer(Some("aaaa"), "torch")]);
    assert!(ours.contains("2.00x the best peer"));
    let others = page(&rows, &[peer(None, "torch"), peer(Some("cccc"), "<b>")]);
    assert!(!others.contains("the best peer"));
    assert_eq!(others.matches("<section>").count(), 3);
}
