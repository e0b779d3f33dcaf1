//! Memory: a write is never seen through another handle, blocks return to the pool, and no shape is
//! larger than memory.

use lepton_tensor::simd::{Lane, MapBody, Num};
use lepton_tensor::{DType, Device, ErrorKind, Meta, Tensor, memory_usage, numel, ops};

fn arange(n: usize) -> Tensor {
    ops::arange(0.0, 1.0, n, DType::F32)
}

fn values(x: &Tensor) -> Vec<f32> {
    x.to_vec().unwrap()
}

#[test]
fn a_write_is_not_seen_through_a_clone_a_view_or_a_base() {
    // Two elements are held in the handle itself, a hundred in a block.
    for n in [2, 100] {
        let base = arange(n);
        let want = values(&base);
        let others = [
            base.clone(),
            base.slice(0, 0, n, 1).unwrap(),
            base.reshape(&[1, n]).unwrap(),
            base.expand(&[n]).unwrap(),
        ];
        let mut writer = base.clone();
        assert!(n == 2 || !writer.shares_storage(&arange(n)));
        writer.make_mut::<f32>().fill(-1.0);
        let mut view = others[1].clone();
        view.make_mut::<f32>()[0] = 7.0;
        assert_eq!(values(&base), want);
        assert!(others.iter().all(|o| values(o) == want));
        assert_eq!((values(&writer)[n - 1], values(&view)[0]), (-1.0, 7.0));
    }
}

#[test]
fn a_shared_handle_or_block_is_not_writable() {
    let mut x = arange(100);
    assert!(x.try_mut::<f32>().is_some());
    assert!(x.try_mut::<f64>().is_none(), "another dtype");
    let clone = x.clone();
    assert!(x.try_mut::<f32>().is_none());
    drop(clone);
    let view = x.slice(0, 3, 1, 1).unwrap();
    assert!(x.try_mut::<f32>().is_none());
    drop(view);
    assert!(x.try_mut::<f32>().is_some());
    let mut turned = arange(6)
        .reshape(&[2, 3])
        .unwrap()
        .permute(&[1, 0])
        .unwrap();
    assert!(turned.try_mut::<f32>().is_none(), "not contiguous");
    turned.make_mut::<f32>()[1] = 9.0;
    assert_eq!(values(&turned), [0.0, 9.0, 1.0, 4.0, 2.0, 5.0]);
}

/// The last part of a block, alone on it, is written in its own place only.
#[test]
fn a_view_that_outlives_its_base_writes_its_own_part() {
    let mut part = arange(100).slice(0, 90, 10, 1).unwrap();
    let own = part.try_mut::<f32>().expect("no other handle is left");
    assert_eq!(own.len(), 10);
    own[0] = -1.0;
    assert_eq!(values(&part)[..2], [-1.0, 91.0]);
}

#[derive(Clone, Copy)]
struct Twice;

impl MapBody for Twice {
    fn f<T: Lane>(&self, x: T) -> T {
        x + x
    }
}

impl ops::IntMap for Twice {
    const INT: bool = true;
    fn int<T: Num>(&self, x: T) -> T {
        x + x
    }
}

#[test]
fn kernels_overwrite_only_what_nobody_else_sees() {
    let (x, index) = (arange(50), Tensor::from_vec(vec![0i64, 3], &[2]).unwrap());
    let want = values(&x);
    let y = ops::map(&mut x.clone(), &Twice);
    assert_eq!(values(&y)[49], 98.0);
    ops::assign(x.clone(), &arange(2), &[(5, 2, 1)]).unwrap();
    ops::scatter_add(x.clone(), 0, &index, &arange(2)).unwrap();
    ops::index_add(x.clone(), 0, &index, &arange(2)).unwrap();
    assert_eq!(values(&x), want);
    // Given away, the buffer itself is used again.
    let mut own = arange(50);
    let place = own.as_slice::<f32>().unwrap().as_ptr();
    let twice = ops::map(&mut own, &Twice);
    assert_eq!(twice.as_slice::<f32>().unwrap().as_ptr(), place);
}

/// Blocks come back: ten thousand tensors of a few sizes hold no more at the end than at the start.
#[test]
fn dropped_tensors_give_their_memory_back() {
    let run = || {
        for i in 0..10_000usize {
            let x = Tensor::zeros(&[1 + i % 7, 1 << (i % 12)], DType::F64, Device::Cpu).unwrap();
            assert!(
                x.to_f64().iter().all(|&v| v == 0.0),
                "a used block is cleared"
            );
        }
    };
    run();
    let before = memory_usage().0;
    run();
    // Tests beside this one hold a few small blocks.
    assert!(memory_usage().0 <= before + (1 << 20));
}

#[test]
fn bool_blocks_hold_truth_values_whatever_they_held() {
    drop(Tensor::from_vec(vec![0xffu8; 4096], &[4096]).unwrap());
    let x = Tensor::build(&[4096], |_: &mut [bool]| {});
    assert!(x.to_vec::<bool>().unwrap().iter().all(|b| !b));
}

#[test]
fn no_shape_is_larger_than_memory() {
    for shape in [
        vec![usize::MAX, 2],
        vec![1 << 32, 1 << 32],
        vec![1 << 61],
        vec![usize::MAX],
        vec![3, usize::MAX / 3 + 1],
    ] {
        let e = numel(&shape).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Shape);
        assert_eq!(
            e.to_string(),
            format!("shape {shape:?} has more elements than memory can address")
        );
        assert!(Tensor::zeros(&shape, DType::I8, Device::Cpu).is_err());
        assert!(Tensor::zeros(&shape, DType::I8, Device::Meta).is_err());
        assert!(Tensor::from_vec(vec![0u8; 4], &shape).is_err());
    }
    assert_eq!(numel(&[usize::MAX, 0, usize::MAX]).unwrap(), 0);
    assert_eq!(
        Meta::new(&[usize::MAX, 0, usize::MAX], DType::F32).numel(),
        0
    );
}

#[test]
fn what_no_memory_holds_is_refused_in_a_sentence() {
    for shape in [&[1usize << 40][..], &[1 << 58], &[1 << 20, 1 << 24]] {
        let e = Tensor::zeros(shape, DType::F32, Device::Cpu).unwrap_err();
        assert!(e.to_string().starts_with("full: a tensor of "), "{e}");
        assert!(Tensor::zeros(shape, DType::F32, Device::Meta).is_ok());
    }
}
