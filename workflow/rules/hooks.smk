# What Snakemake prints and does around its jobs (workflow/hooks/), unless this is a module of another workflow.
import atexit

from hooks import console, lock
from hooks.session import Session

if workflow.is_main_process and Path(workflow.main_snakefile).parent == ROOT:
    console.tidy(workflow)
    HELD = lock.join_others(Path(DATA)) if PARTIAL else lock.remove_stale()
    SESSION = Session(workflow, config, STUDY, PLACE)
    atexit.register(SESSION.say_at_exit)

    onstart:
        SESSION.say_start()

    onsuccess:
        SESSION.say_page()

    onerror:
        if not PARTIAL and not CLAIM and Path(DATA).exists():
            SESSION.end_with_partial_results()
