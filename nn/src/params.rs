//! Parameters by path: the one visitor behind counting, saving, loading, freezing and averaging.

use std::collections::BTreeMap;
use std::fmt;

use lepton_autograd::{Error, Param, Result, Tensor};

/// Where a visitor stands: the names from the root, joined by dots, as PyTorch writes them.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    name: &'a str,
}

impl<'a> Path<'a> {
    /// The path of the module itself.
    pub const ROOT: Path<'static> = Path {
        parent: None,
        name: "",
    };

    /// The path of the child `name`.
    pub fn child(&'a self, name: &'a str) -> Path<'a> {
        Path {
            parent: Some(self),
            name,
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent.filter(|p| !p.name.is_empty()) {
            write!(f, "{parent}.")?;
        }
        f.write_str(self.name)
    }
}

/// What a visitor meets.
#[derive(Debug)]
pub enum Item<'a> {
    /// Something that is trained.
    Param(&'a Param),
    /// State that is saved but not trained.
    Buffer(&'a Tensor),
}

/// What a changing visitor meets.
#[derive(Debug)]
pub enum ItemMut<'a> {
    /// Something that is trained.
    Param(&'a mut Param),
    /// State that is saved but not trained.
    Buffer(&'a mut Tensor),
}

/// The called-back half of a visit.
pub type Visit<'v, 'a> = &'v mut dyn FnMut(&Path<'_>, Item<'a>);
/// The called-back half of a changing visit.
pub type VisitMut<'v, 'a> = &'v mut dyn FnMut(&Path<'_>, ItemMut<'a>);

/// Everything that has parameters; [`crate::module!`] writes it for a struct.
pub trait Params {
    /// Calls `f` with each parameter and buffer in order.
    fn visit<'a>(&'a self, path: &Path<'_>, f: Visit<'_, 'a>);
    /// Calls `f` with each parameter and buffer in order, to change.
    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: VisitMut<'_, 'a>);

    /// Paths and parameters in order.
    fn params(&self) -> Vec<(String, &Param)> {
        let mut out = Vec::new();
        self.visit(&Path::ROOT, &mut |path, item| {
            if let Item::Param(p) = item {
                out.push((path.to_string(), p));
            }
        });
        out
    }

    /// The number of trained elements.
    fn num_params(&self) -> usize {
        self.params().iter().map(|(_, p)| p.tensor().numel()).sum()
    }

    /// Parameters and buffers by path: PyTorch's `state_dict`.
    fn state(&self) -> BTreeMap<String, Tensor> {
        let mut out = BTreeMap::new();
        self.visit(&Path::ROOT, &mut |path, item| {
            let tensor = match item {
                Item::Param(p) => p.tensor().clone(),
                Item::Buffer(t) => t.clone(),
            };
            out.insert(path.to_string(), tensor);
        });
        out
    }

    /// Sets every parameter and buffer from `state`, all or none.
    ///
    /// # Errors
    /// When a path is missing or left over, or a shape or dtype differs.
    fn load_state(&mut self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        let own = self.state();
        for (path, tensor) in &own {
            let given = state
                .get(path)
                .ok_or_else(|| Error::format(format!("load_state: '{path}' is missing")))?;
            if given.meta() != tensor.meta() {
                return Err(Error::shape(format!(
                    "load_state: '{path}' is {} {:?}, the module wants {} {:?}",
                    given.dtype(),
                    given.shape(),
                    tensor.dtype(),
                    tensor.shape()
                )));
            }
        }
        if let Some(extra) = state.keys().find(|k| !own.contains_key(*k)) {
            return Err(Error::format(format!(
                "load_state: the module has no '{extra}'"
            )));
        }
        self.visit_mut(&Path::ROOT, &mut |path, item| {
            let tensor = state[&path.to_string()].clone();
            match item {
                ItemMut::Param(p) => p.set(tensor),
                ItemMut::Buffer(b) => *b = tensor,
            }
        });
        Ok(())
    }

    /// Stops or resumes the gradients of every parameter.
    fn freeze(&mut self, frozen: bool) {
        self.visit_mut(&Path::ROOT, &mut |_, item| {
            if let ItemMut::Param(p) = item {
                p.freeze(frozen);
            }
        });
    }
}

impl Params for Param {
    fn visit<'a>(&'a self, path: &Path<'_>, f: Visit<'_, 'a>) {
        f(path, Item::Param(self));
    }
    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: VisitMut<'_, 'a>) {
        f(path, ItemMut::Param(self));
    }
}

/// State that is saved with a module but not trained.
#[derive(Clone, Debug)]
pub struct Buffer(pub Tensor);

impl Params for Buffer {
    fn visit<'a>(&'a self, path: &Path<'_>, f: Visit<'_, 'a>) {
        f(path, Item::Buffer(&self.0));
    }
    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: VisitMut<'_, 'a>) {
        f(path, ItemMut::Buffer(&mut self.0));
    }
}

impl<T: Params + ?Sized> Params for Box<T> {
    fn visit<'a>(&'a self, path: &Path<'_>, f: Visit<'_, 'a>) {
        (**self).visit(path, f);
    }
    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: VisitMut<'_, 'a>) {
        (**self).visit_mut(path, f);
    }
}

impl<T: Params> Params for Option<T> {
    fn visit<'a>(&'a self, path: &Path<'_>, f: Visit<'_, 'a>) {
        if let Some(x) = self {
            x.visit(path, f);
        }
    }
    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: VisitMut<'_, 'a>) {
        if let Some(x) = self {
            x.visit_mut(path, f);
        }
    }
}

impl<T: Params> Params for Vec<T> {
    fn visit<'a>(&'a self, path: &Path<'_>, f: Visit<'_, 'a>) {
        for (i, x) in self.iter().enumerate() {
            x.visit(&path.child(&i.to_string()), f);
        }
    }
    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: VisitMut<'_, 'a>) {
        for (i, x) in self.iter_mut().enumerate() {
            x.visit_mut(&path.child(&i.to_string()), f);
        }
    }
}

/// Writes [`Params`] for a struct: `module!(Block { norm, attn } plain { drop })`.
///
/// It destructures the struct without `..`, so a forgotten field does not compile; fields under
/// `plain` have no parameters. For `Block` above it expands to
///
/// ```text
/// impl Params for Block {
///     fn visit(&self, path, f) {
///         let Block { norm, attn, drop: _ } = self;
///         norm.visit(&path.child("norm"), f);
///         attn.visit(&path.child("attn"), f);
///     }
///     // and visit_mut the same way
/// }
/// ```
#[macro_export]
macro_rules! module {
    ($name:ident { $($field:ident),* $(,)? } $(plain { $($plain:ident),* $(,)? })?) => {
        impl $crate::Params for $name {
            fn visit<'a>(&'a self, path: &$crate::Path<'_>, f: $crate::Visit<'_, 'a>) {
                let $name { $($field,)* $($($plain: _,)*)? } = self;
                $($crate::Params::visit($field, &path.child(stringify!($field)), f);)*
                let _ = (path, f);
            }
            fn visit_mut<'a>(&'a mut self, path: &$crate::Path<'_>, f: $crate::VisitMut<'_, 'a>) {
                let $name { $($field,)* $($($plain: _,)*)? } = self;
                $($crate::Params::visit_mut($field, &path.child(stringify!($field)), f);)*
                let _ = (path, f);
            }
        }
    };
}
