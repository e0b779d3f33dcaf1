//! CPU features, and the user's override.

/// True where AVX2 and FMA can run.
///
/// The standard library queries the CPU once and keeps the answer, so this is a load and a test.
#[inline]
pub(crate) fn has_avx2_fma() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// True where the parts of AVX-512 that every CPU with it but the first ones has can run: F, BW, DQ
/// and VL.
#[inline]
pub(crate) fn has_avx512() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        has_avx2_fma()
            && std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("avx512dq")
            && std::arch::is_x86_feature_detected!("avx512vl")
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// The value of `LEPTON_SIMD`, when set and not empty.
pub(crate) fn simd_override() -> Option<String> {
    std::env::var("LEPTON_SIMD").ok().filter(|s| !s.is_empty())
}
