"""Changes to Snakemake's behaviour for which Snakemake has no documented interface.

Tested with Snakemake 9.17, the lowest version that has `PersistenceBase`, and with the newest.

| what | why | relies on |
|---|---|---|
| `console.tidy` | shows a line for each job that ends, and a failed job's log | the formatter of Snakemake's handler |
| `lock.remove_stale` | lets the same command go on after kill -9 of Snakemake | the folder .snakemake/locks |
| `lock.join_others` | makes partial results beside a Snakemake that trains | `PersistenceBase.lock` |
| `session.Session.say_at_exit` | ends a dry run with the state of the runs | `atexit`, `dag.reason`, `dag.needrun` |
| `session.Session.end_with_partial_results` | ends a run with failures with a page | `scheduler.failed`, `_user_kill` |
| `session.Session._deployment` | runs that page's jobs in the same environment | `spawned_job_args_factory` |
"""
