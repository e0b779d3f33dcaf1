//! Catalogues: the lists that make ops usable, storable and tested.

use lepton_tensor::{Error, Result};

use crate::engine::attrs::Attrs;
use crate::engine::op::{AnyOp, Op};

/// The marker that [`crate::apply`] asks for; [`crate::catalogue!`] grants it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not in a catalogue",
    label = "this op is not listed, and so not tested",
    note = "add it to your crate's `catalogue! {{ .. }}`; see CONTRIBUTING.md, \"Add an op\""
)]
pub trait Listed {}

/// One op of a catalogue: its name, how to make it from a file, and its derived tests.
#[derive(Clone, Copy)]
pub struct Entry {
    /// [`Op::NAME`].
    pub name: &'static str,
    /// [`Op::LOOPS`]: whether `vmap` loops.
    pub loops: bool,
    make: fn(&Attrs) -> Result<Box<dyn AnyOp>>,
    #[cfg(feature = "testing")]
    pub(crate) subjects: fn(seed: u64) -> Vec<crate::engine::subject::Subject>,
}

pub(crate) fn make<O: Op>(attrs: &Attrs) -> Result<Box<dyn AnyOp>> {
    match O::from_attrs(attrs) {
        Ok(op) => Ok(Box::new(op)),
        Err(e) => Err(e),
    }
}

impl Entry {
    /// The entry of `O`.
    pub fn of<O: Op + Listed>() -> Entry {
        Entry {
            name: O::NAME,
            loops: O::LOOPS,
            make: make::<O>,
            #[cfg(feature = "testing")]
            subjects: crate::engine::subject::subjects::<O>,
        }
    }

    /// The op with these attributes.
    ///
    /// # Errors
    /// When an attribute is missing or of another kind.
    pub fn make(&self, attrs: &Attrs) -> Result<Box<dyn AnyOp>> {
        (self.make)(attrs).map_err(|e| e.at(format_args!("op {}", self.name)))
    }
}

/// The op called `name` with `attrs`, from the first catalogue that lists it.
///
/// # Errors
/// When no catalogue lists the name, or the attributes do not fit.
pub fn make_op(catalogues: &[&[Entry]], name: &str, attrs: &Attrs) -> Result<Box<dyn AnyOp>> {
    let entry = catalogues
        .iter()
        .flat_map(|c| c.iter())
        .find(|e| e.name == name);
    entry
        .ok_or_else(|| {
            Error::format(format!(
                "the op '{name}' is in no catalogue this build knows"
            ))
        })?
        .make(attrs)
}

/// Lists ops: `catalogue! { unary: Tanh, Exp; binary: Add; ops: Matmul }`; a section may be absent.
///
/// It expands to one `impl Listed` for each, and a function `catalogue() -> Vec<Entry>` in which
/// `Tanh` stands for `Map<Tanh>` and `Add` for `Zip<Add>`. With `pub(crate)` in front the function is
/// for a crate that collects the lists of its files: one that is not collected is dead code.
#[macro_export]
macro_rules! catalogue {
    (pub(crate) $($list:tt)*) => { $crate::catalogue! { @(pub(crate)) $($list)* } };
    (@($vis:vis)
        $(unary: $($u:ty),* $(,)? ;)?
        $(binary: $($b:ty),* $(,)? ;)?
        $(ops: $($o:ty),* $(,)?)?
    ) => {
        $($(impl $crate::Listed for $u {})*)?
        $($(impl $crate::Listed for $b {})*)?
        $($(impl $crate::Listed for $o {})*)?
        /// The ops listed here, in the order of the list.
        $vis fn catalogue() -> Vec<$crate::Entry> {
            vec![
                $($($crate::Entry::of::<$crate::Map<$u>>(),)*)?
                $($($crate::Entry::of::<$crate::Zip<$b>>(),)*)?
                $($($crate::Entry::of::<$o>(),)*)?
            ]
        }
    };
    ($($list:tt)*) => { $crate::catalogue! { @(pub) $($list)* } };
}
