//! Scales, and text that is safe inside of a page.

/// `text` with what HTML gives a meaning to written out.
pub(super) fn escape(text: &str) -> String {
    let entity = |c| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        c => c.to_string(),
    };
    text.chars().map(entity).collect()
}

/// From values to pixels, by logarithm or in proportion.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    values: [f64; 2],
    pixels: [f64; 2],
    log: bool,
}

impl Scale {
    pub(super) fn log(values: [f64; 2], pixels: [f64; 2]) -> Scale {
        Scale {
            values,
            pixels,
            log: true,
        }
    }

    pub(super) fn linear(values: [f64; 2], pixels: [f64; 2]) -> Scale {
        Scale {
            values,
            pixels,
            log: false,
        }
    }

    pub(super) fn at(&self, x: f64) -> f64 {
        let f = |x: f64| {
            if self.log {
                x.max(f64::MIN_POSITIVE).log2()
            } else {
                x
            }
        };
        let [low, high] = self.values.map(f);
        // Of one value only, the middle.
        let share = if high == low {
            0.5
        } else {
            (f(x) - low) / (high - low)
        };
        self.pixels[0] + share.clamp(0.0, 1.0) * (self.pixels[1] - self.pixels[0])
    }
}

/// The kind of a kernel, which gives it its colour.
pub(super) fn family(id: &str) -> &'static str {
    let op = id.split('/').next().unwrap_or_default();
    match op {
        "gemm" | "linear" => "product",
        _ if op.starts_with("conv") || op.starts_with("max_pool") => "conv",
        _ if op.starts_with("train") || op.starts_with("infer") => "model",
        _ if op.starts_with("tape") => "tape",
        "fma" => "tape",
        "softmax" | "layer_norm" | "bcast_add" | "gather" | "copy" => "rows",
        _ if op.starts_with("sum") => "rows",
        _ => "elementwise",
    }
}
