# What Snakemake prints and does around its jobs (workflow/hooks/), unless this is a module of another workflow.
import atexit

from hooks import console, lock, memory
from hooks.session import Session

if workflow.is_main_process and Path(workflow.main_snakefile).resolve().parent == ROOT.resolve():
    console.tidy(workflow)
    HELD = lock.join_others(Path(DATA)) if PARTIAL else lock.remove_stale()
    memory.remember(STATES)
    SESSION = Session(workflow, config, STUDY, PLACE, STATES)
    atexit.register(SESSION.say_at_exit)

    onstart:
        SESSION.say_start()

    onsuccess:
        SESSION.say_page()

    onerror:
        if not PARTIAL and not CLAIM and Path(DATA).exists():
            SESSION.end_with_partial_results()
