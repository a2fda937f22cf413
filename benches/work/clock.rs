//! Time, taken by Criterion.

use std::time::Duration;

use criterion::{BatchSize, Criterion};

use crate::stage::{Result, Work};

/// Sets up Criterion; the command line has the last word.
pub(crate) fn criterion() -> Criterion {
    let criterion = Criterion::default().sample_size(10);
    criterion.warm_up_time(Duration::from_secs(1)).configure_from_args()
}

/// Times a stage if the command line wants it; only then is it made ready.
pub(crate) fn time(
    criterion: &mut Criterion,
    name: &str,
    prepare: impl Fn() -> Result<Work>,
) -> Result<()> {
    let ready = || -> Result<Work> {
        let mut work = prepare()?;
        work.once()?;
        Ok(work)
    };
    let (theme, stage) = name.split_once('/').unwrap_or(("all", name));
    let mut group = criterion.benchmark_group(theme);
    let mut work = None;
    let mut went = true;
    group.bench_function(stage, |bencher| {
        let Ok(work) = work.get_or_insert_with(ready) else { return bencher.iter(|| ()) };
        let fresh = || (work.fresh)();
        let job = |job: Result<crate::stage::Job>| went &= job.is_ok_and(|job| job());
        bencher.iter_batched(fresh, job, BatchSize::PerIteration);
    });
    group.finish();
    match work {
        Some(Err(error)) => Err(format!("{name}: {error}").into()),
        _ if !went => Err(format!("{name}: a job failed").into()),
        _ => Ok(()),
    }
}
