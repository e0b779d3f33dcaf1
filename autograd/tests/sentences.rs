//! What a wrong call says: the whole sentence, at the caller's line.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::Once;

use lepton_autograd::{ConvOptions, DType, Device, Tensor, Var, jvp, vmap};

thread_local! {
    static FILE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The panic of `f`: its sentence; it must point into this file.
#[track_caller]
fn says<T>(sentence: &str, f: impl FnOnce() -> T) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        set_hook(Box::new(|info| {
            let file = info
                .location()
                .map_or(String::new(), |l| l.file().to_owned());
            FILE.set(file);
        }));
    });
    let Err(panic) = catch_unwind(AssertUnwindSafe(f)) else {
        std::process::abort();
    };
    let text = panic
        .downcast::<String>()
        .map_or_else(|_| String::new(), |s| *s);
    let file = FILE.take();
    let right = text == sentence && file.ends_with("sentences.rs");
    if !right {
        eprintln!("said  {text}\nwanted {sentence}\nat {file}");
    }
    assert!(right);
}

fn x(shape: &[usize]) -> Var {
    Var::zeros(shape, DType::F32, Device::Cpu)
}

#[test]
fn products() {
    says(
        "matmul: inner sizes differ: [32, 128] x [64, 10] (128 and 64)",
        || x(&[32, 128]).matmul(&x(&[64, 10])),
    );
    says(
        "matmul: inner sizes differ: [32, 128] x [10, 128] (128 and 10); is the right side transposed?",
        || x(&[32, 128]).matmul(&x(&[10, 128])),
    );
    let endless = |shape: &[usize]| x(&[1, 1]).expand(shape);
    says(
        "shape [1099511627776, 1099511627776] has more elements than memory can address",
        || endless(&[1 << 40, 1]).matmul(&endless(&[1, 1 << 40])),
    );
    says(
        "linear: wants x [rows, in], w [out, in] and b [out] of one dtype; the shapes are [[2, 3], [4, 5]]",
        || x(&[2, 3]).linear(&x(&[4, 5]), None, false),
    );
    says(
        "conv2d: a window of [3, 3] by [1, 1], dilated [1, 1], does not fit an image of [2, 2] with padding [0, 0]",
        || x(&[1, 1, 2, 2]).conv2d(&x(&[1, 1, 3, 3]), None, ConvOptions::default()),
    );
}

#[test]
fn shapes() {
    says(
        "add: shapes [2, 3] and [2, 4] do not broadcast: sizes 3 and 4 on axis 1 from the end; axes align at the end, and only 1 stretches",
        || x(&[2, 3]) + x(&[2, 4]),
    );
    says("reshape: [2, 3] has 6 elements, [4] has 4", || {
        x(&[2, 3]).reshape(&[4])
    });
    says(
        "permute: [0, 0] is not an order of the axes of [2, 3]",
        || x(&[2, 3]).permute(&[0, 0]),
    );
    says("expand: [2, 3] does not broadcast to [2, 4]", || {
        x(&[2, 3]).expand(&[2, 4])
    });
    says(
        "slice: 3 elements from 1 by 2 leave axis 0 of size 5",
        || x(&[5]).slice(0, 1, 3, 2),
    );
    says("squeeze: axis 0 of [2, 1] has size 2, not 1", || {
        x(&[2, 1]).squeeze(0)
    });
    says(
        "cat: input 1 is f32 [3, 3], which does not join f32 [2, 2] along axis 0",
        || Var::cat(&[x(&[2, 2]), x(&[3, 3])], 0),
    );
    says(
        "select: index 4 is out of range for axis 0 of size 4",
        || x(&[4]).select(0, 4),
    );
    says("topk: k = 5 is more than axis 0 of size 4 holds", || {
        x(&[4]).topk(5, 0, true)
    });
    says("amax: an empty axis of [0, 3] has no extreme", || {
        x(&[0, 3]).amax(&[0])
    });
}

#[test]
fn gradients() {
    says(
        "backward: the loss has shape [2, 2]; reduce it to one element first, such as with .sum(&[]) or .mean(&[])",
        || x(&[2, 2]).backward(),
    );
    says("backward: the loss is i64; gradients are of floats", || {
        Var::scalar(1i64).backward()
    });
    says(
        "vjp: a variable of `wrt` is a constant; make it a leaf first: Var::leaf(..)",
        || Var::leaf(Tensor::scalar(1.0f32)).grads(&[x(&[2])]),
    );
}

#[test]
fn transformations_return_theirs() {
    let mixed = vmap(|x| vec![&x[0] + &x[1]], &[x(&[2]), x(&[3])]).unwrap_err();
    assert_eq!(
        mixed.to_string(),
        "vmap: axis 0 of every input carries the batch and must agree; the shapes are [[2], [3]]"
    );
    let bare = jvp(|x| vec![x[0].exp()], &[x(&[2])], &[x(&[3])]).unwrap_err();
    assert_eq!(
        bare.to_string(),
        "jvp: every input needs one tangent of its own shape and dtype"
    );
}
