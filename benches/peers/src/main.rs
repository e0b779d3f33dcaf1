//! Benchmarks of the Rust peers. `peers --threads 1 --case gemm --peer candle --reps 7 --ms 20`.

#[cfg(feature = "burn-peer")]
mod burn_peer;
mod candle_peer;
mod harness;
mod kernels;
mod machine;

fn main() {
    let mut b = harness::Bench {
        threads: 1,
        filter: vec![],
        peers: vec![],
        sample_ms: 20.0,
        reps: 5,
    };
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        let val = args
            .next()
            .unwrap_or_else(|| panic!("{flag} needs a value"));
        match flag.as_str() {
            "--threads" => b.threads = val.parse().unwrap(),
            "--case" => b.filter = val.split(',').map(String::from).collect(),
            "--peer" => b.peers = val.split(',').map(String::from).collect(),
            "--reps" => b.reps = val.parse().unwrap(),
            "--ms" => b.sample_ms = val.parse().unwrap(),
            _ => panic!("unknown flag {flag}"),
        }
    }
    // SAFETY: the peers read these when their pools start; no other thread runs yet.
    let t = b.threads.to_string();
    unsafe {
        std::env::set_var("RAYON_NUM_THREADS", &t);
        std::env::set_var("MATMUL_NUM_THREADS", &t);
    }
    machine::run(&b);
    kernels::run(&b);
    candle_peer::run(&b).unwrap();
    #[cfg(feature = "burn-peer")]
    burn_peer::run(&b);
}
