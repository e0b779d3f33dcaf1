//! Notes the compiler, which is part of what a measurement was taken with.

fn main() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = std::process::Command::new(rustc).arg("-V").output();
    let version = version.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned());
    let version = version.unwrap_or_else(|_| "unknown".into());
    println!("cargo:rustc-env=LEPTON_RUSTC={version}");
    println!("cargo:rerun-if-changed=build.rs");
}
