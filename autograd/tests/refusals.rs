//! Wrong calls of every method: a sentence in the method's own name, at the caller's line, never a raw panic.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::Once;

use lepton_autograd::{
    AttentionOptions, AvgPoolOptions, ConvOptions, DType, Device, Index, Interpolation,
    MaxPoolOptions, Reduction, Result, Var, grad, hessian, hvp, jacobian, jvp, vjp, vmap,
};

thread_local! {
    static FILE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What no sentence of ours contains.
const RAW: [&str; 9] = [
    "index out of bounds",
    "out of range for slice",
    "mid > len",
    "unwrap",
    "overflow",
    "unreachable",
    "divide by zero",
    "divisor of zero",
    "internal error",
];

/// Why a sentence is not one in the name of `who`, if so.
fn fault(who: &str, sentence: &str) -> Option<String> {
    let own = sentence.starts_with(&format!("{who}: "));
    let raw = RAW.iter().any(|r| sentence.contains(r));
    (!own || raw).then(|| format!("{who} says: {sentence}"))
}

/// Why a call is not refused by a panic as it should be, if so.
fn panics<T>(who: &str, call: impl FnOnce() -> T) -> Option<String> {
    let Err(panic) = catch_unwind(AssertUnwindSafe(call)) else {
        return Some(format!("{who} accepts"));
    };
    let text = match panic.downcast::<String>() {
        Ok(s) => *s,
        Err(other) => other
            .downcast::<&str>()
            .map_or(String::new(), |s| s.to_string()),
    };
    let file = FILE.take();
    let here = file.ends_with("refusals.rs");
    fault(who, &text).or_else(|| (!here).then(|| format!("{who} points to {file}: {text}")))
}

/// Why a call is not refused by an error as it should be, if so.
fn fails<T>(who: &str, call: impl FnOnce() -> Result<T>) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Err(e)) => fault(who, &e.to_string()),
        Ok(Ok(_)) => Some(format!("{who} accepts")),
        Err(_) => Some(format!("{who} panics")),
    }
}

#[track_caller]
fn none(faults: Vec<Option<String>>) {
    let faults: Vec<String> = faults.into_iter().flatten().collect();
    eprintln!("{}", faults.join("\n"));
    assert!(faults.is_empty());
}

/// Panics note where they happen, on every thread of the test, and print nothing.
fn quiet() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        set_hook(Box::new(|info| {
            let place = info.location();
            FILE.set(place.map_or(String::new(), |l| l.file().to_owned()));
        }));
    });
}

fn x(shape: &[usize]) -> Var {
    Var::zeros(shape, DType::F32, Device::Cpu)
}

fn i(index: &[i64]) -> Var {
    Var::new(index, &[index.len()])
}

macro_rules! table {
    ($check:ident: $($who:literal $call:expr;)*) => {
        quiet();
        none(vec![$($check($who, || $call),)*]);
    };
}

#[test]
fn folds_and_orders() {
    let y = x(&[2, 3]);
    table! { panics:
        "sum" y.sum(&[2]);
        "sum" y.sum(&[0, 0]);
        "sum" y.sum(&[0, -2]);
        "mean" y.mean(&[-3]);
        "mean" y.mean(&[1, 1]);
        "var" y.var(&[5], 1.0);
        "std" y.std(&[5], 1.0);
        "std" y.std(&[0, 0], 1.0);
        "amax" y.amax(&[2]);
        "amax" x(&[0]).amax(&[]);
        "amin" y.amin(&[2]);
        "amin" y.amin(&[0, 0]);
        "amin" x(&[0, 2]).amin(&[0]);
        "argmax" y.argmax(2);
        "argmax" x(&[]).argmax(0);
        "argmax" x(&[0]).argmax(0);
        "argmin" y.argmin(2);
        "argmin" x(&[0]).argmin(0);
        "cumsum" y.cumsum(2);
        "cumsum" x(&[]).cumsum(0);
        "cumprod" y.cumprod(2);
        "cumprod" x(&[]).cumprod(1);
        "logcumsumexp" y.logcumsumexp(-3);
        "logsumexp" y.logsumexp(&[2]);
        "prod" y.prod(&[2]);
        "prod" y.prod(&[1, 1]);
        "keep_axes" y.sum(&[0]).keep_axes(&y, &[1]);
        "keep_axes" y.keep_axes(&y, &[7]);
        "dist" y.dist(&x(&[4]), 2.0);
        "cdist" y.cdist(&x(&[2, 4]), 2.0);
        "cdist" x(&[2, 1]).cdist(&y, 2.0);
        "cdist" x(&[3]).cdist(&y, 2.0);
        "pdist" x(&[3]).pdist(2.0);
        "max_dim" y.max_dim(2);
        "max_dim" x(&[0]).max_dim(0);
        "min_dim" y.min_dim(2);
        "min_dim" x(&[0]).min_dim(0);
        "cummax" y.cummax(2);
        "cummin" y.cummin(2);
        "kthvalue" y.kthvalue(0, 1);
        "kthvalue" y.kthvalue(4, 1);
        "kthvalue" y.kthvalue(1, 9);
        "median" y.median(2, false);
        "median" x(&[0]).median(0, false);
        "mode" y.mode(2);
        "mode" x(&[2, 0]).mode(1);
        "quantile" y.quantile(&Var::scalar(1.5f32), 1, false, Interpolation::Linear);
        "quantile" y.quantile(&Var::scalar(-0.1f32), 1, false, Interpolation::Lower);
        "quantile" y.quantile(&Var::scalar(f32::NAN), 1, false, Interpolation::Lower);
        "quantile" y.quantile(&x(&[2]), 1, false, Interpolation::Linear);
        "quantile" x(&[0]).quantile(&x(&[]), 0, false, Interpolation::Linear);
        "quantile" y.quantile(&x(&[]), 3, false, Interpolation::Linear);
        "sort" y.sort(2, false);
        "argsort" y.argsort(2, false);
        "argsort" x(&[]).argsort(0, false);
        "topk" y.topk(4, 1, true);
        "topk" y.topk(1, 2, true);
        "histogram" y.histogram(0, 0.0, 1.0);
        "histogram" y.histogram(3, 1.0, 0.0);
        "histogram" y.histogram(3, 0.0, f64::INFINITY);
        "softmax" y.softmax(2);
        "log_softmax" y.log_softmax(2);
        "isclose" y.isclose(&x(&[4]), 0.1, 0.1, false);
        "cov" x(&[2, 2, 2]).cov(None, None, 1.0);
        "cov" y.cov(Some(&x(&[1])), None, 1.0);
        "cov" y.cov(None, Some(&x(&[2])), 1.0);
        "correlation" x(&[2]).correlation();
        "correlation" y.correlation();
        "renorm" y.renorm(2.0, 2, 1.0);
        "renorm" x(&[3]).renorm(2.0, 0, 1.0);
        "diff" y.diff(1, 2);
        "trapezoids" y.trapezoids(None, 1.0, 2);
        "trapezoids" y.trapezoids(Some(&x(&[2])), 1.0, 1);
        "gradient" y.gradient(&x(&[]), 2, 1);
        "gradient" y.gradient(&x(&[2]), 1, 1);
        "gradient" y.gradient(&x(&[]), 1, 0);
        "gradient" x(&[1]).gradient(&x(&[]), 0, 1);
    }
}

#[test]
fn views() {
    let y = x(&[2, 3]);
    table! { panics:
        "slice" y.slice(5, 0, 1, 1);
        "slice" y.slice(0, 0, 3, 1);
        "slice" y.slice(0, usize::MAX, 1, 1);
        "slice" y.slice(0, 0, 2, 0);
        "slices" y.slices(&[(0, 1, 1); 3]);
        "slices" y.slices(&[(0, 1, 1)]);
        "slices" y.slices(&[(0, 1, 1), (2, 2, 1)]);
        "select" y.select(2, 0);
        "select" y.select(0, -3);
        "flip" y.flip(5);
        "flip" x(&[]).flip(0);
        "slice_assign" y.slice_assign(&[(0, 1, 1)], &y);
        "slice_assign" y.slice_assign(&[(1, 2, 1), (0, 3, 1)], &y);
        "slice_assign" y.slice_assign(&[(0, 2, 1), (0, 3, 1)], &y.to_dtype(DType::F64));
        "cat" Var::cat(&[], 0);
        "cat" Var::cat(&[y.clone()], 2);
        "cat" Var::cat(&[y.clone(), x(&[2])], 0);
        "stack" Var::stack(&[], 0);
        "stack" Var::stack(&[y.clone()], 4);
        "stack" Var::stack(&[y.clone(), x(&[2])], 0);
        "pad" y.pad(&[(1, 1)]);
        "pad" y.pad(&[(usize::MAX, 1), (0, 0)]);
        "reshape" y.reshape(&[7]);
        "reshape_to" y.reshape_to(&[4, -1]);
        "reshape_to" y.reshape_to(&[-1, -1]);
        "reshape_to" y.reshape_to(&[-2, 3]);
        "expand" y.expand(&[2, 2]);
        "expand" y.expand(&[3]);
        "flatten" y.flatten(3);
        "unsqueeze" y.unsqueeze(4);
        "squeeze" y.squeeze(0);
        "squeeze" y.squeeze(2);
        "permute" y.permute(&[0]);
        "permute" y.permute(&[0, 2]);
        "transpose" y.transpose(0, 2);
        "t" x(&[3]).t();
        "sum_to_shape" y.sum_to_shape(&[4]);
        "split_sizes" y.split_sizes(&[1, 1], 1);
        "split_sizes" y.split_sizes(&[usize::MAX, 2], 1);
        "split_sizes" y.split_sizes(&[1], 2);
        "split" y.split(0, 1);
        "split" y.split(1, 2);
        "chunk" y.chunk(0, 1);
        "chunk" y.chunk(1, 2);
        "unbind" y.unbind(2);
        "repeat" y.repeat(&[2]);
        "repeat" y.repeat(&[usize::MAX, usize::MAX]);
        "tile" y.tile(&[usize::MAX]);
        "roll" y.roll(1, 2);
        "move_axes" y.move_axes(&[0, 1], &[0]);
        "move_axes" y.move_axes(&[0], &[0, 1]);
        "move_axes" y.move_axes(&[0, 0], &[0, 1]);
        "move_axes" y.move_axes(&[0, 1], &[1, 1]);
        "move_axes" y.move_axes(&[2], &[0]);
        "rot90" y.rot90(1, 0, 0);
        "rot90" y.rot90(1, 0, 2);
        "repeat_interleave" y.repeat_interleave(2, 2);
        "repeat_interleave" y.repeat_interleave(usize::MAX, 0);
        "diagonal" y.diagonal(0, 0, 0);
        "diagonal" y.diagonal(0, 0, -2);
        "diagonal" x(&[2]).diagonal(0, 0, 1);
        "diagonal_scatter" y.diagonal_scatter(&x(&[3]), 0, 0, 1);
        "diagonal_scatter" y.diagonal_scatter(&x(&[2]), 0, 1, 1);
        "diag_embed" x(&[]).diag_embed(0, 0, 1);
        "diag_embed" x(&[2]).diag_embed(0, 0, 0);
        "diag_embed" x(&[2]).diag_embed(0, 0, 2);
        "diag_embed" x(&[2]).diag_embed(isize::MIN, 0, 1);
        "trace" x(&[2]).trace();
        "trace" x(&[2, 2, 2]).trace();
        "tril" x(&[2]).tril(0);
        "triu" x(&[2]).triu(0);
        "unfold" y.unfold(1, 4, 1);
        "unfold" y.unfold(1, 2, 0);
        "unfold" y.unfold(2, 1, 1);
        "unfold" x(&[]).unfold(1, 1, 1);
        "merge_axes" y.merge_axes(1, 0);
        "merge_axes" y.merge_axes(0, 2);
        "split_axis" y.split_axis(1, &[2, -1]);
        "split_axis" y.split_axis(2, &[1]);
        "block_diag" Var::block_diag(&[]);
        "block_diag" Var::block_diag(&[x(&[1, 1, 1])]);
        "block_diag" Var::block_diag(&[y.clone(), y.to_dtype(DType::F64)]);
        "meshgrid" Var::meshgrid(&[], false);
        "meshgrid" Var::meshgrid(&[y.clone()], false);
    }
    // What is as far away as can be is nothing, and no overflow.
    assert_eq!(y.diagonal(isize::MIN, 0, 1).shape(), [0]);
    assert_eq!(y.diagonal(isize::MAX, 0, 1).shape(), [0]);
    assert_eq!(y.triu(isize::MAX).shape(), [2, 3]);
    assert_eq!(y.roll(isize::MIN, 0).shape(), [2, 3]);
}

#[test]
fn places() {
    let y = x(&[2, 3]);
    let far = Var::new(&[5i64], &[1, 1]);
    let half = x(&[1, 1]);
    let put = |how| y.scatter_reduce(0, &far, &half, how, true);
    table! { panics:
        "gather" y.gather(2, &far);
        "gather" y.gather(0, &far);
        "gather" y.gather(0, &half);
        "gather" y.gather(0, &i(&[0]));
        "scatter_add" y.scatter_add(0, &far, &half);
        "scatter_add" y.scatter_add(0, &far, &x(&[1]));
        "scatter" y.scatter(0, &far, &half);
        "scatter" y.scatter(2, &far, &half);
        "scatter" y.scatter(0, &far, &x(&[1]));
        "scatter" y.scatter(0, &far, &x(&[0, 1]));
        "scatter" y.scatter(0, &half, &half);
        "scatter" y.scatter(0, &far, &half.to_dtype(DType::F64));
        "scatter_reduce" put(Reduction::Sum);
        "scatter_reduce" put(Reduction::Mean);
        "scatter_reduce" put(Reduction::Prod);
        "scatter_reduce" put(Reduction::Max);
        "scatter_reduce" y.scatter_reduce(7, &far, &half, Reduction::Min, false);
        "scatter_reduce" y.scatter_reduce(0, &far, &x(&[]), Reduction::Min, false);
        "index_select" y.index_select(2, &i(&[0]));
        "index_select" y.index_select(0, &far);
        "index_select" y.index_select(0, &i(&[2]));
        "index_select" y.index_select(0, &x(&[1]));
        "index_add" y.index_add(0, &i(&[0]), &x(&[2, 3]));
        "index_add" y.index_add(0, &i(&[5]), &x(&[1, 3]));
        "index_copy" y.index_copy(0, &i(&[0]), &y);
        "index_copy" y.index_copy(0, &i(&[0, 1]), &x(&[1, 3]));
        "index_copy" y.index_copy(0, &i(&[5]), &x(&[1, 3]));
        "index_copy" y.index_copy(2, &i(&[0]), &x(&[1, 3]));
        "index_reduce" y.index_reduce(0, &i(&[0]), &y, Reduction::Sum, true);
        "index_reduce" y.index_reduce(0, &i(&[5]), &x(&[1, 3]), Reduction::Sum, true);
        "put" y.put(&i(&[0, 1]), &x(&[1]), false);
        "put" y.put(&i(&[9]), &x(&[1]), false);
        "put" y.put(&i(&[-7]), &x(&[1]), true);
        "put" y.put(&x(&[1]), &x(&[1]), true);
        "take" y.take(&i(&[6]));
        "take" y.take(&x(&[1]));
        "embedding" x(&[]).embedding(&i(&[0]), None);
        "embedding" y.embedding(&i(&[2]), None);
        "embedding" y.embedding(&x(&[1]), None);
        "embedding" y.embedding(&i(&[0]), Some(2));
        "one_hot" i(&[5]).one_hot(3);
        "one_hot" i(&[-1]).one_hot(3);
        "one_hot" x(&[1]).one_hot(3);
        "bincount" i(&[5]).bincount(3);
        "bincount" i(&[-1]).bincount(3);
        "masked_fill" y.masked_fill(&Var::new(&[true, false], &[2]), 1.0);
        "masked_fill" y.masked_fill(&x(&[3]), 1.0);
        "where" Var::where_(&y, &y, &y);
        "where" Var::where_(&Var::new(&[true, false], &[2]), &y, &y);
    }
}

#[test]
fn arithmetic_and_layers() {
    let (y, z) = (x(&[2, 3]), x(&[4]));
    let whole = i(&[1, 2]);
    table! { panics:
        "add" &y + &z;
        "sub" &y - &z;
        "mul" &y * &z;
        "div" &y / &z;
        "add" whole.to_dtype(DType::U8) + 300;
        "pow" y.pow(&z);
        "maximum" y.maximum(&z);
        "minimum" y.minimum(&z);
        "atan2" y.atan2(&z);
        "hypot" y.hypot(&z);
        "fmod" y.fmod(&z);
        "lerp" y.lerp(&z, &x(&[]));
        "lerp" y.lerp(&y, &z);
        "clamp_between" y.clamp_between(Some(&z), None);
        "eq" y.eq(&z);
        "ne" y.ne(&z);
        "lt" y.lt(&z);
        "le" y.le(&z);
        "gt" y.gt(&z);
        "ge" y.ge(&z);
        "logical_and" y.logical_and(&z);
        "logical_or" y.logical_or(&z);
        "logical_xor" y.logical_xor(&z);
        "mvlgamma" y.mvlgamma(0);
        "glu" y.glu(1);
        "glu" y.glu(2);
        "prelu" y.prelu(&z);
        "matmul" y.matmul(&y);
        "matmul" y.matmul(&x(&[]));
        "matmul" x(&[2, 2, 3]).matmul(&x(&[3, 3, 2]));
        "linear" y.linear(&x(&[2, 2]), None, false);
        "linear" y.linear(&x(&[4, 3]), Some(&x(&[1])), false);
        "linear" y.to_dtype(DType::F64).linear(&x(&[4, 3]), None, false);
        "linear" x(&[]).linear(&x(&[]), None, false);
        "linear" x(&[2, 2, 3]).linear(&x(&[3]), None, false);
        "tensordot" y.tensordot(&y, &[0, 1], &[0]);
        "tensordot" y.tensordot(&y, &[0], &[1]);
        "tensordot" y.tensordot(&y, &[0, 0], &[0, 0]);
        "tensordot" y.tensordot(&y, &[2], &[0]);
        "cross" y.cross(&y, 0);
        "cross" y.cross(&z, 1);
        "cross" y.cross(&y, 2);
        "inverse" y.inverse();
        "inverse" x(&[2, 2]).inverse();
        "inverse" x(&[]).inverse();
        "dropout" y.dropout(1.0, 0, 0);
        "dropout" whole.dropout(0.5, 0, 0);
        "dropout" y.dropout_at(0.5, &i(&[1]));
        "rand" Var::rand(&[2], DType::I64, 0, 0);
        "randn" Var::randn(&[2], DType::Bool, 0, 0);
        "layer_norm" y.layer_norm(&[2], None, None, 1e-5);
        "layer_norm" y.layer_norm(&[3], Some(&x(&[2])), None, 1e-5);
        "layer_norm" y.layer_norm(&[3], None, Some(&x(&[2, 3])), 1e-5);
        "layer_norm" y.layer_norm(&[], None, None, 1e-5);
        "rms_norm" y.rms_norm(&[3], Some(&x(&[2])), 1e-5);
        "rms_norm" y.rms_norm(&[2, 2, 3], None, 1e-5);
        "group_norm" y.group_norm(2, None, None, 1e-5);
        "group_norm" y.group_norm(0, None, None, 1e-5);
        "group_norm" y.group_norm(3, Some(&x(&[2])), None, 1e-5);
        "group_norm" z.group_norm(1, None, None, 1e-5);
        "cross_entropy" y.cross_entropy(&i(&[0]));
        "cross_entropy" y.cross_entropy(&i(&[0, 3]));
        "conv2d" y.conv2d(&y, None, ConvOptions::default());
        "conv2d" x(&[1, 2, 3, 3]).conv2d(&x(&[1, 1, 2, 2]), None, ConvOptions::default());
        "max_pool2d" y.max_pool2d([1, 1], MaxPoolOptions::default());
        "max_pool2d" x(&[1, 1, 2, 2]).max_pool2d([3, 3], MaxPoolOptions::default());
        "max_pool2d" x(&[1, 1, 2, 2]).max_pool2d([0, 1], MaxPoolOptions::default());
        "avg_pool2d" y.avg_pool2d([1, 1], AvgPoolOptions::default());
        "avg_pool2d" x(&[1, 1, 2, 2]).avg_pool2d([3, 3], AvgPoolOptions::default());
        "attention" z.scaled_dot_product_attention(&z, &z, &AttentionOptions::default());
        "attention" y.scaled_dot_product_attention(&x(&[2, 4]), &y, &AttentionOptions::default());
        "new" Var::new(&[1.0f32], &[2]);
        "leaf" Var::leaf(whole.tensor().clone());
        "full" Var::full(&[1], 0.5, DType::I32, Device::Cpu);
        "full" Var::full(&[1], f64::NAN, DType::U8, Device::Cpu);
    }
}

#[test]
fn functions_that_return_an_error_do_not_panic() {
    let y = x(&[2, 3]);
    let mask = |n| Index::Of(Var::new(&vec![true; n], &[n]));
    let at = |v: &[i64]| Index::Of(i(v));
    let two = x(&[2, 2]);
    table! { fails:
        "index" y.index(&[Index::Range(None, None, 0)]);
        "index" y.index(&[Index::Range(None, None, usize::MAX)]);
        "index" y.index(&[Index::Rest, Index::Rest]);
        "index" y.index(&[Index::At(0), Index::At(0), Index::At(0)]);
        "index" y.index(&[Index::At(2)]);
        "index" y.index(&[Index::At(isize::MIN)]);
        "index" y.index(&[at(&[2])]);
        "index" y.index(&[at(&[-3])]);
        "index" y.index(&[at(&[0, 1]), at(&[0, 1, 2])]);
        "index" y.index(&[Index::Of(x(&[1]))]);
        "index" y.index(&[mask(3)]);
        "index" y.index(&[mask(1)]);
        "index" y.index(&[Index::Range(None, None, 1), mask(2)]);
        "index" y.index(&[mask(2), mask(3), mask(1)]);
        "index" y.index(&[Index::Of(Var::new(&[true; 4], &[2, 2]))]);
        "index_put" y.index_put(&[mask(3)], &x(&[]), false);
        "index_put" y.index_put(&[Index::At(0)], &x(&[2]), false);
        "index_put" y.index_put(&[Index::At(0)], &x(&[2, 3]), false);
        "index_put" y.index_put(&[Index::At(0)], &x(&[3]).to_dtype(DType::F64), false);
        "index_put" y.index_put(&[Index::At(5)], &x(&[3]), true);
        "take_along" y.take_along(&i(&[0]), Some(0));
        "take_along" y.take_along(&Var::new(&[9i64], &[1, 1]), Some(0));
        "take_along" y.take_along(&Var::new(&[0i64], &[1, 1]), Some(2));
        "take_along" y.take_along(&i(&[9]), None);
        "take_along" y.take_along(&x(&[1, 1]), Some(0));
        "masked_select" y.masked_select(&Var::new(&[true, true], &[2]));
        "masked_select" y.masked_select(&y);
        "masked_scatter" y.masked_scatter(&Var::new(&[true; 3], &[3]), &x(&[2]));
        "masked_scatter" y.masked_scatter(&Var::new(&[true; 3], &[3]), &x(&[6]).to_dtype(DType::F64));
        "as_strided" y.as_strided(&[7], &[1], 0);
        "as_strided" y.as_strided(&[2], &[1, 1], 0);
        "as_strided" y.as_strided(&[2], &[-1], 0);
        "as_strided" y.as_strided(&[2], &[isize::MAX], 0);
        "einsum" Var::einsum("i->ii", &[x(&[2])]);
        "einsum" Var::einsum("ij->k", &[y.clone()]);
        "einsum" Var::einsum("ij", &[x(&[2])]);
        "einsum" Var::einsum("i,i->i", &[x(&[2])]);
        "einsum" Var::einsum("i,i->i", &[x(&[2]), x(&[3])]);
        "einsum" Var::einsum("ii->i", &[y.clone()]);
        "einsum" Var::einsum("i1->i", &[y.clone()]);
        "einsum" Var::einsum("...i...->i", &[y.clone()]);
        "einsum" Var::einsum("", &[]);
        "solve" y.solve(&y);
        "solve" two.solve(&x(&[2]));
        "solve" two.solve(&x(&[3]));
        "solve" two.solve(&x(&[]));
        "solve" x(&[]).solve(&x(&[]));
        "solve" two.solve(&x(&[2, 1]).to_dtype(DType::F64));
        "det" y.det();
        "det" x(&[]).det();
        "det" Var::new(&[f32::NAN], &[1, 1]).det();
        "slogdet" y.slogdet();
        "cholesky" y.cholesky();
        "cholesky" two.cholesky();
        "svd" x(&[2]).svd();
        "vjp" vjp(&[y.clone(), y.clone()], &[y.clone()], &[]);
        "vjp" vjp(&[y.clone()], &[], &[]);
        "vjp" vjp(&[y.clone()], &[x(&[2])], &[]);
        "vjp" vjp(&[y.clone()], &[y.clone()], &[y.clone()]);
        "jvp" jvp(|x| x.to_vec(), &[y.clone()], &[]);
        "jvp" jvp(|x| x.to_vec(), &[y.clone()], &[x(&[2])]);
        "vmap" vmap(|x| x.to_vec(), &[]);
        "vmap" vmap(|x| x.to_vec(), &[x(&[])]);
        "vmap" vmap(|x| x.to_vec(), &[x(&[2]), x(&[3])]);
        "grad" grad(Var::clone, &y);
        "grad" grad(Var::clone, &i(&[1]));
        "jacobian" jacobian(Var::clone, &i(&[1]));
        "hvp" hvp(Var::clone, &y, &y);
        "hvp" hvp(|x| x.sum(&[]), &y, &x(&[2]));
        "hessian" hessian(Var::clone, &y);
        "hessian" hessian(Var::clone, &i(&[1]));
    }
}

#[test]
fn what_fits_is_not_refused() {
    let y = Var::new(&[1i64, 2, 3, 4, 5, 6], &[2, 3]);
    assert_eq!(y.flip(1).to_vec::<i64>().unwrap(), [3, 2, 1, 6, 5, 4]);
    assert_eq!(
        i(&[2, 0]).one_hot(3).to_vec::<i64>().unwrap(),
        [0, 0, 1, 1, 0, 0]
    );
    assert_eq!(i(&[]).one_hot(3).shape(), [0, 3]);
    assert_eq!(
        y.gather(1, &Var::new(&[2u8, 0], &[2, 1]))
            .to_vec::<i64>()
            .unwrap(),
        [3, 4]
    );
    assert_eq!(y.gather(0, &Var::new::<u8>(&[], &[0, 3])).shape(), [0, 3]);
    assert_eq!(y.move_axes(&[], &[]).shape(), [2, 3]);
}
