"""What this pipeline does inside Snakemake where Snakemake has no documented interface for it.

Tested with Snakemake 9.17, the lowest that has `PersistenceBase`, and with the newest.

| what | why | relies on |
|---|---|---|
| `console.tidy` | shows a line for each job that ends, and a failed one's log | the formatter of Snakemake's handler |
| `lock.remove_stale` | the same command goes on after kill -9 of Snakemake | the folder .snakemake/locks |
| `lock.join_others` | makes partial results beside a Snakemake that trains | `PersistenceBase.lock` |
| `session.Session.say_at_exit` | a dry run ends with the state of the runs | `atexit`, `dag.reason`, `dag.needrun` |
| `session.Session.end_with_partial_results` | a run with failures ends with a page | `scheduler.failed`, `_user_kill` |
| `session.Session._deployment` | that page's jobs run in the same environment | `spawned_job_args_factory` |
"""
