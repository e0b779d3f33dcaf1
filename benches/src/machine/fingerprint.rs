//! What a measurement was taken with; figures of two fingerprints are never compared.

use std::fs;

use lepton_tensor::simd::Level;
use serde::{Deserialize, Serialize};

/// A machine, its system and the compiler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Eight hexadecimal digits over all the rest.
    pub id: String,
    /// The CPU's name, with family, model and stepping where the system tells them.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Sizes of the caches, as the system spells them: `L1d 32K, L2 1024K, L3 32768K`.
    pub caches: String,
    /// The best SIMD level.
    pub level: String,
    /// Operating system and architecture.
    pub os: String,
    /// The compiler that built this program.
    pub rustc: String,
}

impl Fingerprint {
    /// That of this machine.
    ///
    /// ```
    /// use lepton_benches::machine::Fingerprint;
    /// assert_eq!(Fingerprint::here(), Fingerprint::here());
    /// assert_eq!(Fingerprint::here().id.len(), 8);
    /// ```
    pub fn here() -> Fingerprint {
        let level = Level::available().last().map_or("none", |l| l.name());
        let mut print = Fingerprint {
            id: String::new(),
            cpu: cpu(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            caches: caches(),
            level: level.to_owned(),
            os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            rustc: env!("LEPTON_RUSTC").to_owned(),
        };
        print.id = format!("{:08x}", hash(&print.to_string()));
        print
    }

    /// Bytes of the cache of `level` 2 or 3, where the system tells them.
    pub fn cache(&self, level: u8) -> Option<usize> {
        let of = format!("L{level} ");
        let size = self.caches.split(", ").find_map(|c| c.strip_prefix(&of))?;
        let (digits, unit) = size.split_at(size.find(|c: char| !c.is_ascii_digit())?);
        let scale = if unit == "M" { 1 << 20 } else { 1 << 10 };
        digits.parse::<usize>().ok().map(|n| n * scale)
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Fingerprint { cpu, cores, .. } = self;
        let Fingerprint { caches, level, .. } = self;
        let Fingerprint { os, rustc, .. } = self;
        write!(f, "{cpu}, {cores} cores, {caches}, {level}, {os}, {rustc}")
    }
}

/// FNV-1a, folded to 32 bits.
fn hash(text: &str) -> u32 {
    let mix = |h: u64, b: u8| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    let h = text.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
    (h ^ (h >> 32)) as u32
}

fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let is = |l: &&str| l.split(':').next().is_some_and(|k| k.trim() == name);
        let line = info.lines().find(is)?;
        line.split_once(':').map(|(_, v)| v.trim().to_owned())
    };
    let Some(name) = field("model name") else {
        return "unknown CPU".into();
    };
    let numbers = ["cpu family", "model", "stepping"].map(field);
    match numbers {
        [Some(family), Some(model), Some(stepping)] => {
            format!("{name} {family}/{model}/{stepping}")
        }
        _ => name,
    }
}

fn caches() -> String {
    let read = |i: usize, what: &str| {
        let path = format!("/sys/devices/system/cpu/cpu0/cache/index{i}/{what}");
        fs::read_to_string(path).map(|s| s.trim().to_owned()).ok()
    };
    let cache = |i: usize| {
        let kind = match read(i, "type")?.as_str() {
            "Data" => "d",
            "Instruction" => return None,
            _ => "",
        };
        Some(format!("L{}{kind} {}", read(i, "level")?, read(i, "size")?))
    };
    let found: Vec<String> = (0..8).filter_map(cache).collect();
    if found.is_empty() {
        return "unknown caches".into();
    }
    found.join(", ")
}
