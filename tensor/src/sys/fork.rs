//! A parallel loop that its caller helps to run.
//!
//! The caller runs the tasks itself, and spawns helpers on rayon's pool that take some of them. Handing the
//! whole loop to the pool would put the caller to sleep and wake two threads for every loop, which takes as
//! long as many a kernel. Here a helper that wakes late finds the work done, and nobody has waited for it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

/// Spins of a short wait before the caller parks until the last helper is done.
const SPINS: usize = 2000;

/// Helpers that were spawned and have not started. While all threads are busy none starts, and nested loops
/// must not fill the queues.
static PENDING: AtomicUsize = AtomicUsize::new(0);

type Body = dyn Fn(usize) + Sync;

/// A loop in progress.
struct Loop {
    /// The next task that nobody has taken.
    next: AtomicUsize,
    /// How many tasks there are.
    tasks: usize,
    /// Helpers that may be inside the body.
    inside: AtomicUsize,
    /// What a task does.
    body: *const Body,
    /// Who waits.
    caller: Thread,
    /// Whether the caller is parked, or about to be.
    asleep: AtomicBool,
    /// The first panic of a task.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: all fields but `body` may be shared as they are. `body` is `Sync`, and is called only for a
// task that was taken, which `run` outlives (see there).
unsafe impl Send for Loop {}
// SAFETY: as above.
unsafe impl Sync for Loop {}

/// Calls `body(0)`, .. `body(tasks - 1)` on this thread and on up to `helpers` others; a panic of
/// any comes out of here once all have ended.
pub(crate) fn run(tasks: usize, helpers: usize, body: &(dyn Fn(usize) + Sync)) {
    let body: *const (dyn Fn(usize) + Sync + '_) = body;
    let this = Arc::new(Loop {
        next: AtomicUsize::new(0),
        tasks,
        inside: AtomicUsize::new(0),
        // SAFETY: only the lifetime changes. The pointer is read by whoever took a task, and this call
        // ends after all tasks are taken and all who took one have left.
        body: unsafe {
            std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), *const Body>(body)
        },
        caller: thread::current(),
        asleep: AtomicBool::new(false),
        panic: Mutex::new(None),
    });
    spawn(&this, helpers.min(tasks.saturating_sub(1)));
    this.work();
    this.wait();
    let panic = this.lock().take();
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
}

/// Spawns `helpers` on the pool, but no more pending ones than it has threads.
fn spawn(this: &Arc<Loop>, helpers: usize) {
    for _ in 0..helpers {
        if PENDING.fetch_add(1, Ordering::Relaxed) >= rayon::current_num_threads() {
            PENDING.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let this = Arc::clone(this);
        rayon::spawn(move || {
            PENDING.fetch_sub(1, Ordering::Relaxed);
            this.help();
        });
    }
}

impl Loop {
    /// Takes tasks until none is left.
    fn work(&self) {
        loop {
            // Release and acquire: who finds no task left sees who else had entered before.
            let i = self.next.fetch_add(1, Ordering::AcqRel);
            if i >= self.tasks {
                return;
            }
            // SAFETY: the task `i` was not taken before, so `run` has not ended: it ends when all are
            // taken and nobody is inside, and this thread is the caller's or has said so in `help`.
            let body = unsafe { &*self.body };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(i))) {
                self.lock().get_or_insert(panic);
            }
        }
    }

    /// What a spawned helper does.
    fn help(&self) {
        self.inside.fetch_add(1, Ordering::SeqCst);
        self.work();
        let last = self.inside.fetch_sub(1, Ordering::SeqCst) == 1;
        if last && self.asleep.load(Ordering::SeqCst) {
            self.caller.unpark();
        }
    }

    /// Waits until no helper is inside; all tasks are taken. A worker of the pool takes meanwhile what
    /// there is to do: a helper's task may wait for it.
    fn wait(&self) {
        for turn in 0.. {
            if self.inside.load(Ordering::SeqCst) == 0 {
                return;
            }
            if rayon::yield_now() == Some(rayon::Yield::Executed) {
                continue;
            }
            if turn < SPINS {
                std::hint::spin_loop();
                continue;
            }
            self.asleep.store(true, Ordering::SeqCst);
            if self.inside.load(Ordering::SeqCst) != 0 {
                thread::park_timeout(Duration::from_millis(1));
            }
        }
    }

    /// Nothing panics while the lock is held, so a poisoned one is whole.
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Box<dyn Any + Send>>> {
        self.panic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls `f(i, piece)` for each piece of `chunk` elements of `out` (the last may be shorter), as
/// [`run`] calls its body.
///
/// # Panics
/// Where `chunk` is 0.
pub(crate) fn run_chunks<T: Send>(
    out: &mut [T],
    chunk: usize,
    helpers: usize,
    f: &(dyn Fn(usize, &mut [T]) + Sync),
) {
    /// A pointer that tasks on other threads cut their own pieces from.
    struct Start<T>(*mut T);
    // SAFETY: each task makes a slice of its own elements alone, and `T: Send` below lets another
    // thread have them.
    unsafe impl<T: Send> Sync for Start<T> {}
    impl<T> Start<T> {
        /// The address of element `i`.
        fn at(&self, i: usize) -> *mut T {
            self.0.wrapping_add(i)
        }
    }
    let (start, len) = (Start(out.as_mut_ptr()), out.len());
    run(len.div_ceil(chunk), helpers, &|i| {
        let (from, n) = (i * chunk, chunk.min(len - i * chunk));
        // SAFETY: `from + n <= len`, the pieces of two tasks do not overlap, each task runs once, and
        // `out` stays borrowed until `run` has ended.
        f(i, unsafe {
            std::slice::from_raw_parts_mut(start.at(from), n)
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once_whoever_runs_it() {
        for tasks in [0, 1, 2, 3, 17, 1000] {
            for helpers in [0, 1, 7] {
                let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                run(tasks, helpers, &|i| {
                    counts[i].fetch_add(1, Ordering::Relaxed);
                });
                assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1));
            }
        }
    }

    #[test]
    fn loops_inside_loops_end_and_leave_no_request_behind() {
        let sum = AtomicUsize::new(0);
        run(50, 3, &|_| {
            run(50, 3, &|i| {
                run(3, 3, &|j| {
                    sum.fetch_add(i + j, Ordering::Relaxed);
                });
            });
        });
        assert_eq!(sum.load(Ordering::Relaxed), 50 * (3 * 49 * 25 + 50 * 3));
    }

    #[test]
    fn a_panic_comes_out_after_all_tasks_have_ended() {
        let ended = AtomicUsize::new(0);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            run(64, 2, &|i| {
                ended.fetch_add(1, Ordering::Relaxed);
                assert!(i != 40, "the fortieth");
            })
        }));
        let said = caught.unwrap_err();
        assert_eq!(said.downcast_ref::<&str>(), Some(&"the fortieth"));
        assert_eq!(ended.load(Ordering::Relaxed), 64);
    }

    #[test]
    fn pieces_are_cut_as_chunks_are() {
        for (len, chunk) in [(0, 4), (1, 4), (8, 4), (9, 4), (1000, 7)] {
            let mut out = vec![usize::MAX; len];
            run_chunks(&mut out, chunk, 3, &|i, piece| piece.fill(i));
            let want: Vec<usize> = (0..len).map(|j| j / chunk).collect();
            assert_eq!(out, want);
        }
    }
}
