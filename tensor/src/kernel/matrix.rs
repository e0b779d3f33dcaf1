//! Matrices as slices with strides; the constructors check every reachable offset once.

use std::marker::PhantomData;

/// A matrix to read: any strides, also negative or zero.
///
/// Invariant: when no side is 0, every `offset + i * row_stride + j * col_stride` with `i < rows`
/// and `j < cols` is an index of the borrowed slice.
#[derive(Debug)]
pub struct MatRef<'a, T> {
    /// Element `[0, 0]`.
    start: *const T,
    /// Rows and columns.
    shape: [usize; 2],
    /// The steps to the next row and to the next column.
    strides: [isize; 2],
    /// The slice that the elements are in.
    borrow: PhantomData<&'a [T]>,
}

impl<T> Clone for MatRef<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for MatRef<'_, T> {}

// SAFETY: a `MatRef` stands for the `&[T]` it was made from, and reads only through it.
unsafe impl<T: Sync> Send for MatRef<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for MatRef<'_, T> {}

impl<'a, T> MatRef<'a, T> {
    /// The matrix of `shape` (rows, columns) whose element `[i, j]` is
    /// `data[offset + i * strides[0] + j * strides[1]]`.
    ///
    /// ```
    /// use lepton_tensor::kernel::gemm::{MatMut, MatRef};
    /// let data = [1, 2, 3, 4, 5, 6];
    /// let every_other = MatRef::new(&data, 1, [3, 1], [2, 0]);
    /// assert_eq!([0, 1, 2].map(|i| every_other.row(i)[0]), [2, 4, 6]);
    /// ```
    ///
    /// # Panics
    /// Where an element would lie outside `data`.
    #[track_caller]
    pub fn new(data: &'a [T], offset: usize, shape: [usize; 2], strides: [isize; 2]) -> Self {
        let [rows, cols] = shape;
        if rows == 0 || cols == 0 {
            let start = data.as_ptr();
            return MatRef {
                start,
                shape,
                strides,
                borrow: PhantomData,
            };
        }
        if !plainly_inside(data.len(), offset, shape, strides) {
            check(data.len(), offset, shape, strides);
        }
        let start = data[offset..].as_ptr();
        MatRef {
            start,
            shape,
            strides,
            borrow: PhantomData,
        }
    }

    /// The matrix of `shape` that fills the beginning of `data` row by row.
    ///
    /// # Panics
    /// Where `data` is too short.
    #[track_caller]
    pub fn rows_of(data: &'a [T], shape: [usize; 2]) -> Self {
        MatRef::new(data, 0, shape, [shape[1] as isize, 1])
    }

    /// The transposed matrix.
    ///
    /// ```
    /// use lepton_tensor::kernel::gemm::{MatMut, MatRef};
    /// let data = [1, 2, 3, 4];
    /// let mut row = [0; 2];
    /// MatRef::rows_of(&data, [2, 2]).t().row_into(0, &mut row, |x| x);
    /// assert_eq!(row, [1, 3]);
    /// ```
    #[must_use]
    pub fn t(self) -> Self {
        let ([rows, cols], [row, col]) = (self.shape, self.strides);
        MatRef {
            shape: [cols, rows],
            strides: [col, row],
            ..self
        }
    }

    /// The matrix of `shape` within this one whose first element is `[i, j]`.
    ///
    /// ```
    /// use lepton_tensor::kernel::gemm::{MatMut, MatRef};
    /// let data = [1, 2, 3, 4, 5, 6];
    /// let part = MatRef::rows_of(&data, [2, 3]).part(1, 1, [1, 2]);
    /// assert_eq!(part.row(0), [5, 6]);
    /// ```
    ///
    /// # Panics
    /// Where it would reach beyond this one.
    #[must_use]
    #[track_caller]
    pub fn part(self, i: usize, j: usize, shape: [usize; 2]) -> Self {
        let fits = |from: usize, n: usize, all: usize| n <= all && from <= all - n;
        assert!(
            fits(i, shape[0], self.shape[0]) && fits(j, shape[1], self.shape[1]),
            "MatRef::part: {shape:?} from [{i}, {j}] reaches beyond {:?}",
            self.shape
        );
        let offset = i as isize * self.strides[0] + j as isize * self.strides[1];
        let start = self.start.wrapping_offset(offset);
        MatRef {
            start,
            shape,
            ..self
        }
    }

    /// Row `i`, where its elements are adjacent.
    ///
    /// # Panics
    /// Where they are not, or there is no such row.
    #[inline]
    #[track_caller]
    pub fn row(&self, i: usize) -> &'a [T] {
        let [rows, cols] = self.shape;
        assert!(
            i < rows && (self.strides[1] == 1 || cols < 2),
            "MatRef::row: row {i} of {rows} is not there as adjacent elements"
        );
        // SAFETY: the elements `[i, ..]` are in the borrowed slice (see the invariant), one after the
        // other; a row without elements reads nothing.
        unsafe { std::slice::from_raw_parts(self.at(i, 0), cols) }
    }

    /// Writes `f` of the elements of row `i`, whatever their stride, to `out`, which has as many.
    ///
    /// # Panics
    /// Where there is no such row, or `out` has another length.
    #[track_caller]
    pub fn row_into<U>(&self, i: usize, out: &mut [U], f: impl Fn(T) -> U)
    where
        T: Copy,
    {
        assert!(
            i < self.shape[0] && out.len() == self.shape[1],
            "MatRef::row_into: row {i} of {:?} does not fill {} elements",
            self.shape,
            out.len()
        );
        for (j, y) in out.iter_mut().enumerate() {
            // SAFETY: `[i, j]` is an element (see the invariant), by the assertion above.
            *y = f(unsafe { *self.at(i, j) });
        }
    }

    /// Rows and columns.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// The steps to the next row and to the next column.
    pub fn strides(&self) -> [isize; 2] {
        self.strides
    }

    /// How many elements of the borrowed slice follow one another from `[i, j]` to the last element
    /// of the last row, itself and what stands between rows included; for rows of adjacent elements.
    #[inline(always)]
    pub(crate) fn ahead(&self, i: usize, j: usize) -> usize {
        debug_assert!(i < self.shape[0] && j < self.shape[1] && self.strides[1] == 1);
        let rows = (self.shape[0] - 1 - i) * self.strides[0].max(0) as usize;
        rows + self.shape[1] - j
    }

    /// The address of `[i, j]`, for `i < rows` and `j < cols`.
    #[inline(always)]
    pub(crate) fn at(&self, i: usize, j: usize) -> *const T {
        debug_assert!(i < self.shape[0] && j < self.shape[1].max(1));
        let offset = i as isize * self.strides[0] + j as isize * self.strides[1];
        self.start.wrapping_offset(offset)
    }
}

/// True where no stride is negative and the last element is inside: nearly always, and quick to see.
#[inline]
fn plainly_inside(len: usize, offset: usize, shape: [usize; 2], strides: [isize; 2]) -> bool {
    let reach = |axis: usize| {
        let stride = usize::try_from(strides[axis]).ok()?;
        (shape[axis] - 1).checked_mul(stride)
    };
    let last = || offset.checked_add(reach(0)?)?.checked_add(reach(1)?);
    last().is_some_and(|last| last < len)
}

/// Panics where an element of a matrix without empty sides is not one of `len`.
#[track_caller]
fn check(len: usize, offset: usize, [rows, cols]: [usize; 2], strides: [isize; 2]) {
    let reach = [extent(rows, strides[0]), extent(cols, strides[1])];
    let low = offset as i128 + reach[0].min(0) + reach[1].min(0);
    let high = offset as i128 + reach[0].max(0) + reach[1].max(0);
    assert!(
        low >= 0 && high < len as i128,
        "MatRef::new: a {rows} x {cols} matrix with strides {strides:?} from offset {offset} \
         reaches elements {low} to {high} of a slice of {len}"
    );
}

/// How far the last of `n > 0` steps lies from the first.
fn extent(n: usize, stride: isize) -> i128 {
    (n - 1) as i128 * stride as i128
}

/// A matrix to write: rows of adjacent elements, `row_stride` apart.
///
/// Invariant: `row_stride >= cols`, and all rows lie in the slice it was made from, so rows and
/// blocks of one matrix never overlap.
#[derive(Debug)]
pub struct MatMut<'a, T> {
    /// Element `[0, 0]`.
    start: *mut T,
    /// Rows and columns.
    shape: [usize; 2],
    /// The step to the next row.
    row_stride: usize,
    /// The slice that the elements are in.
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: a `MatMut` stands for the `&mut [T]` it was made from.
unsafe impl<T: Send> Send for MatMut<'_, T> {}
// SAFETY: a shared `MatMut` gives out addresses only; its unsafe users keep their blocks apart.
unsafe impl<T: Send> Sync for MatMut<'_, T> {}

impl<'a, T> MatMut<'a, T> {
    /// The matrix of `shape` whose row `i` begins at `data[i * row_stride]`.
    ///
    /// # Panics
    /// Where rows would overlap or reach beyond `data`.
    #[track_caller]
    pub fn new(data: &'a mut [T], shape: [usize; 2], row_stride: usize) -> Self {
        let [rows, cols] = shape;
        let end = rows
            .checked_sub(1)
            .map(|r| r as u128 * row_stride as u128 + cols as u128);
        assert!(
            row_stride >= cols && end.is_none_or(|end| end <= data.len() as u128),
            "MatMut::new: a {rows} x {cols} matrix with rows {row_stride} apart does not fit into \
             a slice of {}",
            data.len()
        );
        MatMut {
            start: data.as_mut_ptr(),
            shape,
            row_stride,
            borrow: PhantomData,
        }
    }

    /// The matrix of `shape` that fills the beginning of `data` row by row.
    ///
    /// # Panics
    /// Where `data` is too short.
    #[track_caller]
    pub fn rows_of(data: &'a mut [T], shape: [usize; 2]) -> Self {
        MatMut::new(data, shape, shape[1])
    }

    /// Rows and columns.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// The step to the next row.
    pub fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// Row `i`.
    ///
    /// ```
    /// use lepton_tensor::kernel::gemm::{MatMut, MatRef};
    /// let mut data = [0; 6];
    /// MatMut::new(&mut data, [2, 2], 3).row(1).fill(7);
    /// assert_eq!(data, [0, 0, 0, 7, 7, 0]);
    /// ```
    ///
    /// # Panics
    /// Where there is no such row.
    #[inline]
    pub fn row(&mut self, i: usize) -> &mut [T] {
        assert!(i < self.shape[0], "MatMut::row: there is no row {i}");
        // SAFETY: the row lies in the borrowed slice (see the invariant), and `&mut self` keeps
        // any other reference to it away.
        unsafe { std::slice::from_raw_parts_mut(self.at(i, 0), self.shape[1]) }
    }

    /// The address of `[i, j]`, for `i < rows` and `j < cols`.
    #[inline(always)]
    pub(crate) fn at(&self, i: usize, j: usize) -> *mut T {
        debug_assert!(i < self.shape[0].max(1) && j < self.shape[1].max(1));
        self.start.wrapping_add(i * self.row_stride + j)
    }

    /// The same elements as another type of their size.
    ///
    /// # Panics
    /// Where the sizes differ.
    pub(crate) fn cast<F: crate::simd::Float>(self) -> MatMut<'a, F>
    where
        T: crate::dtype::Element,
    {
        // Floats and integers of one size have one alignment, and all bits are values of both;
        // `bool`, for which they are not, has no float of its size.
        assert_eq!(size_of::<T>(), size_of::<F>(), "MatMut::cast: another size");
        MatMut {
            start: self.start.cast(),
            shape: self.shape,
            row_stride: self.row_stride,
            borrow: PhantomData,
        }
    }

    /// The block of `shape` from `[i, j]` on.
    ///
    /// # Safety
    /// The block lies within the matrix, and while it lives nothing else uses those elements.
    #[inline(always)]
    pub(crate) unsafe fn block(&self, i: usize, j: usize, shape: [usize; 2]) -> MatMut<'a, T> {
        debug_assert!(i + shape[0] <= self.shape[0] && j + shape[1] <= self.shape[1]);
        MatMut {
            start: self.at(i, j),
            shape,
            ..*self
        }
    }
}
