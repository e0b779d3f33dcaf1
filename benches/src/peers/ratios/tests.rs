use super::*;
use crate::jsonl::parse;
use crate::peers::Timed;

fn table(lines: &str) -> String {
    let rows: Vec<Timed> = parse(lines, "here").expect("rows");
    ratios(&Best::of(rows))
}

fn line(peer: &str, case: &str, threads: usize, ns: f64, rate: &str) -> String {
    format!(
        r#"{{"peer":"{peer}","case":"{case}","threads":{threads},"ns_per_iter":{ns},"ns_best":{ns}{rate}}}"#
    ) + "\n"
}

#[test]
fn the_best_peer_of_the_best_rounds_is_the_measure() {
    let lines = [
        line("lepton", "softmax_4096x1024", 1, 300.0, ""),
        line("lepton", "softmax_4096x1024", 1, 200.0, ""),
        line("torch", "softmax_4096x1024", 1, 500.0, ""),
        line("torch", "softmax_4096x1024", 1, 400.0, ""),
        line("candle", "softmax_4096x1024", 1, 900.0, ""),
        // No peers: a form with a result made beforehand, and the machine's limit.
        line("torch-out", "softmax_4096x1024", 1, 10.0, ""),
        line("machine", "softmax_4096x1024", 1, 10.0, ""),
    ];
    let text = table(&lines.concat());
    assert!(
        text.contains("200 ns  torch      400 ns   2.00    1.80           met"),
        "{text}"
    );
    assert!(
        text.contains("met: 1 of 1 rows (100 %), 0 of them by the stretch"),
        "{text}"
    );
}

#[test]
fn the_share_of_the_peak_counts_too() {
    let rows = |rate: f64| {
        let of = |x: f64| format!(r#","gflops":{x},"gflops_best":{x}"#);
        [
            line("lepton", "fma_peak", 1, 1.0, &of(100.0)),
            line("lepton", "gemm_f64_512", 1, 10.0, &of(rate)),
            line("numpy", "gemm_f64_512", 1, 11.0, &of(1.0)),
        ]
        .concat()
    };
    assert!(table(&rows(45.0)).contains("missed   90 % of peak (>= 92 %)"));
    assert!(table(&rows(46.5)).contains("met      93 % of peak (>= 92 %)"));
}

#[test]
fn two_threads_are_held_to_a_speed_up_where_there_is_much_to_do() {
    let pair = |one: f64, two: f64| {
        let case = "train_lenet_mnist";
        line("lepton", case, 1, one, "") + &line("lepton", case, 2, two, "")
    };
    assert!(table(&pair(2e6, 1.5e6)).contains("1.33    1.55  missed"));
    assert!(table(&pair(2e6, 1.1e6)).contains("1.82    1.55  stretch"));
    // Short: only never slower.
    assert!(table(&pair(2e5, 2e5)).contains("1.00    0.95  met"));
    // Without a peer, one thread has no verdict.
    assert!(table(&pair(2e6, 1e6)).contains("unknown: 1"));
}
