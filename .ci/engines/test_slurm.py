"""examples/shards/slurm.sh under Slurm: a controller and two nodes on this machine, with keys and sockets of their own."""

import os
import pathlib
import re
import signal
import socket
import time

from common import RECIPES, Skipped, end_of, insist, needs, say, timed, wait_for, write_study

CONF = """ClusterName=engines
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
AuthType=auth/munge
# A requeued task waits until the credential of its last start is void: two minutes, unless they are short.
AuthInfo=socket={at}/munge/socket,cred_expire=5
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={at}/controller
SlurmdSpoolDir={at}/%n
SlurmctldPidFile={at}/controller.pid
SlurmdPidFile={at}/%n.pid
SlurmctldLogFile={at}/controller.log
SlurmdLogFile={at}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
SlurmdTimeout=6
BatchStartTimeout=10
UnkillableStepTimeout=60
KillWait={kill_wait}
MinJobAge=3600
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={first} CPUs=8 RealMemory=6000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={second} CPUs=8 RealMemory=6000
PartitionName=usual Nodes=ALL Default=YES PriorityTier=1 PreemptMode=REQUEUE MaxTime=INFINITE State=UP
PartitionName=urgent Nodes=ALL PriorityTier=10 PreemptMode=OFF MaxTime=INFINITE State=UP
"""


def free_ports(number):
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


class Cluster:
    def __init__(self, work):
        self.work, self.at = work, work.folder / "slurm"
        (self.at / "controller").mkdir(parents=True)
        (self.at / "munge").mkdir()
        # munged serves other users; what leads to its socket has to be open.
        work.folder.chmod(0o755)
        key = self.at / "munge/key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        munged = ["munged", "--foreground", "--force", f"--key-file={key}", f"--socket={self.at}/munge/socket"]
        munged += [f"--{name}-file={self.at}/munge/{name}" for name in ("log", "pid", "seed")]
        self.start_daemon(*munged)
        wait_for((self.at / "munge/socket").exists, "munged")
        self.ports = dict(zip(("controller", "first", "second"), free_ports(3)))
        self.nodes = {}
        # Tasks outlive what has started them: they end before the daemons do.
        self.configure(30)
        self.start_daemon("slurmctld", "-D", "-c")
        for node in ("n1", "n2"):
            self.start_node(node)
        wait_for(lambda: self.node_states() == {"n1": "idle", "n2": "idle"}, "two idle nodes")
        work.stack.callback(self.end)

    def environment(self, **more):
        return self.work.environment(SLURM_CONF=str(self.at / "slurm.conf"), **more)

    def configure(self, kill_wait):
        text = CONF.format(host=socket.gethostname().split(".")[0], at=self.at, kill_wait=kill_wait, **self.ports)
        (self.at / "slurm.conf").write_text(text)

    def reconfigure(self, kill_wait):
        self.configure(kill_wait)
        self.ask("scontrol", "reconfigure")
        # The nodes read it at their leisure.
        time.sleep(2)

    def start_daemon(self, *command):
        log = self.work.stack.enter_context(open(self.at / "said.log", "ab"))
        return self.work.start(command, env=self.environment(), stdout=log, stderr=log)

    def start_node(self, node):
        self.nodes[node] = self.start_daemon("slurmd", "-D", "-N", node)

    def ask(self, *command, codes=(0,), **variables):
        return self.work.run(command, codes=codes, SLURM_CONF=str(self.at / "slurm.conf"), **variables)

    def node_states(self):
        lines = self.ask("sinfo", "--noheader", "--Node", "--partition=usual", "--format=%N %t", codes=(0, 1)).splitlines()
        return {line.split()[0]: line.split()[1] for line in lines if len(line.split()) == 2}

    def job(self, job):
        """Fields of a job or of a task such as 12_3, as Slurm shows them."""
        shown = self.ask("scontrol", "--oneliner", "show", "job", job, codes=(0, 1))
        return dict(field.split("=", 1) for field in shown.split("\n")[0].split() if "=" in field)

    def tasks(self, job):
        shown = self.ask("scontrol", "--oneliner", "show", "job", job, codes=(0, 1))
        found = [dict(field.split("=", 1) for field in line.split() if "=" in field) for line in shown.splitlines()]
        return {int(task["ArrayTaskId"]): task for task in found if task.get("ArrayTaskId", "").isdigit()}

    def over(self, job, seconds=180):
        """Waits for the end of a job; gives its exit code."""
        ends = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL")
        found = wait_for(lambda: (at := self.job(job)).get("JobState") in ends and at, f"the end of job {job}", seconds)
        return int(found["ExitCode"].split(":")[0])

    def submit(self, study, *arguments, codes=(0,), shards=4, **variables):
        """slurm.sh as it is typed. Gives the jobs of the shards and of the merge, and what was said."""
        said = self.ask("sh", RECIPES / "slurm.sh", *arguments, codes=codes, SHARDS=str(shards), INPUT=str(study),
                        PROJECT="demo/phantom", **variables)
        shards, merge = list(map(int, re.findall(r"Submitted batch job (\d+)", said)))[-2:]
        return shards, merge, said

    def processes(self, node=None):
        """Processes of tasks, and those that watch over them, on all nodes or on one: never a daemon."""
        found = set()
        for entry in pathlib.Path("/proc").iterdir():
            try:
                variables = (entry / "environ").read_bytes().split(b"\0") if entry.name.isdigit() else []
                if f"SLURM_CONF={self.at}/slurm.conf".encode() not in variables:
                    continue
                if node is None:
                    if not (entry / "comm").read_text().startswith(("munged", "slurmctld", "slurmscriptd", "slurmd\n")):
                        found.add(int(entry.name))
                elif f"SLURMD_NODENAME={node}".encode() in variables:
                    # Its slurmstepd does not have the node in its environment.
                    found |= {int(entry.name), int((entry / "stat").read_text().rsplit(") ", 1)[1].split()[1])}
            except OSError:
                continue
        return found

    def kill_node(self, node):
        """As when its power fails: the daemon, the tasks and what watches over them."""
        doomed = self.processes(node)
        self.nodes[node].kill()
        self.nodes[node].wait()
        for process in doomed:
            os.kill(process, signal.SIGKILL)
        return len(doomed)

    def end(self):
        self.ask("scancel", "--user=root", codes=(0, 1))
        end = time.monotonic() + 15
        while self.processes() and time.monotonic() < end:
            time.sleep(0.2)
        for process in self.processes():
            os.kill(process, signal.SIGKILL)


class Case:
    """One call after another of slurm.sh for the same study, reports and journals, and a server of its own."""

    def __init__(self, cluster, name, study, profile="engines.toml", shards=4):
        self.cluster, self.work, self.study, self.profile, self.shards = cluster, cluster.work, study, profile, shards
        self.folder = cluster.work.folder / f"case-{name}"
        self.site = self.work.sandbox(f"site-{name}")
        self.folder.mkdir()

    def submit(self, *arguments, codes=(0,), **variables):
        return self.cluster.submit(self.study, *arguments, codes=codes, shards=self.shards, PROFILE=self.profile,
                                   REPORTS=str(self.folder / "reports"), STATE=str(self.folder / "state"), **variables)

    def slowly(self, rate, *arguments):
        """Submits, and comes back once the first series has arrived and others are under way."""
        job, merge, _ = self.submit(*arguments, FWUPLOAD_BWLIMIT=rate, FWUPLOAD_UPLOADS="1")
        wait_for(self.site.holds, "the first series", 120)
        return job, merge

    def merged(self, merge, code, *sentences):
        """Insists on how the merge ended and what it said."""
        found = self.cluster.over(merge)
        said = (self.work.folder / f"fwupload-merge-{merge}.log").read_text()
        insist(found == code, f"the merge ended with {found} and not {code}:\n{said}")
        for sentence in sentences:
            insist(sentence in said, f"the merge does not say {sentence!r}:\n{said}")

    def reports(self):
        """Which shards came to their end, with which exit code; None where they did not."""
        ends = {shard: end_of(self.folder / f"reports/shard-{shard}.jsonl") for shard in range(1, self.shards + 1)}
        return {shard: end and end["exit_code"] for shard, end in ends.items()}

    def whole(self, code=0):
        return self.work.same_as_one_run(self.site, self.study, self.profile, code)


def all_well(cluster, study):
    """Every file arrives; one call waits and ends as one run would: with 0, or 3 where a file fails."""
    for name, what, profile, code in (("well", study, "engines.toml", 0), ("failed", "example", "basic", 3)):
        with timed("slurm", f"{name}: ends with {code}") as said:
            case = Case(cluster, name, what, profile)
            case.submit(WAIT="yes", codes=(code,))
            said.append(f"{case.whole(code)} series as of one run, shards ended with {case.reports()}")


def planned(cluster, study):
    """The files are listed once; a plan that cannot be made ends the shards, and the merge does not end well."""
    with timed("slurm", "with a plan") as said:
        case = Case(cluster, "plan", study)
        plan = str(case.folder / "plan")
        case.submit(WAIT="yes", PLAN=plan)
        insist(set(case.reports().values()) == {0}, case.reports())
        said.append(f"{case.whole()} series as of one run")
        # Shards that are run again use the plan that is there; a new call makes a new one.
        case.submit("2", WAIT="yes", PLAN=plan)
        case.submit(WAIT="yes", PLAN=plan)
    with timed("slurm", "a plan that cannot be made: no shard begins"):
        case = Case(cluster, "no-plan", "nothing-here")
        job, merge, _ = case.submit(PLAN=str(case.folder / "plan"))
        insist(cluster.over(merge) not in (0, 3, 9), "the merge ended well")
        insist(set(case.reports().values()) == {None} and not case.site.holds(), case.reports())


def some_again(cluster, study):
    """Two of six shards again: the merge has all six. Then one of them is cancelled before it has begun."""
    with timed("slurm", "shards 3 and 5 again") as said:
        case = Case(cluster, "again", study, shards=6)
        case.submit(WAIT="yes")
        before = case.folder / "reports/shard-1.jsonl"
        changed = before.stat().st_mtime_ns
        job, merge, _ = case.submit("3,5", WAIT="yes")
        tasks = sorted(cluster.tasks(job))
        insist(tasks == [3, 5] and before.stat().st_mtime_ns == changed, f"tasks {tasks} ran")
        case.merged(merge, 0, "merged 6 reports")
        said.append(f"{case.whole()} series as of one run")
    with timed("slurm", "shard 3 never begins: the merge ends with 1") as said:
        cluster.ask("scontrol", "update", "NodeName=n1,n2", "State=DRAIN", "Reason=test")
        job, merge, _ = case.submit("3,5")
        cluster.ask("scancel", f"{job}_3")
        cluster.ask("scontrol", "update", "NodeName=n1,n2", "State=RESUME")
        case.merged(merge, 1, "the report of shard 3/6 is missing")
        insist(case.reports() == {1: 0, 2: 0, 3: None, 4: 0, 5: 0, 6: 0}, case.reports())


def cancelled(cluster, study, kill_wait):
    """scancel in the middle of uploads, with the least that sites leave tasks to end, and with the usual."""
    cluster.reconfigure(kill_wait)
    with timed("slurm", f"scancel, KillWait {kill_wait}: the next call completes") as said:
        case = Case(cluster, f"cancelled-{kill_wait}", study)
        job, merge = case.slowly("60K")
        # Every shard is in the middle of its next series, which would take 17 seconds.
        time.sleep(3)
        cluster.ask("scancel", job)
        begun = time.monotonic()
        wait_for(lambda: not cluster.processes(), "the end of all tasks", 60)
        seconds = time.monotonic() - begun
        arrived, ends = len(case.site.holds()), case.reports()
        # All came to their end before they were killed, and said so.
        case.merged(merge, 143)
        left = [path for path in (cluster.work.folder / "tmp").rglob("*") if path.is_file()]
        spool = sum(path.stat().st_size for path in left)
        said.append(f"tasks were over {seconds:.1f} s after scancel, reports ended with {ends}, {arrived} series had arrived, the merge ended with 143")
        said.append(f"{len(left)} temporary files of {spool} bytes left")
        _, merge, _ = case.submit("1-4", WAIT="yes")
        case.merged(merge, 0, "merged 4 reports")
        insist(set(case.reports().values()) == {0}, case.reports())
        again = sum(end_of(case.folder / f"reports/shard-{shard}.jsonl")["already_there"] for shard in range(1, 5))
        insist(again > 0, "what had arrived was sent again")
        said.append(f"then {case.whole()} series as of one run, {again} instances not sent again")


def node_dies(cluster, study):
    """Power fails on a node: its tasks are requeued on the other one, and go on."""
    with timed("slurm", "a node dies: its tasks are requeued") as said:
        case = Case(cluster, "dead", study)
        job, merge = case.slowly("300K")
        died = cluster.kill_node("n2")
        insist(died, "nothing ran on n2")
        case.merged(merge, 0, "merged 4 reports")
        restarts = {number: int(task["Restarts"]) for number, task in sorted(cluster.tasks(job).items())}
        insist(any(restarts.values()), f"no task was requeued: {restarts}")
        said.append(f"restarts {restarts}, {case.whole()} series as of one run")
        cluster.start_node("n2")
        wait_for(lambda: cluster.node_states()["n2"] == "idle", "the node is back")


def preempted(cluster, study):
    """A job of more priority takes both nodes: all tasks are stopped, requeued, and go on."""
    with timed("slurm", "preemption: tasks are requeued") as said:
        case = Case(cluster, "preempted", study)
        job, merge = case.slowly("300K")
        cluster.ask("sbatch", "--partition=urgent", "--nodes=2", "--exclusive", "--output=urgent.log", "--wrap=sleep 3")
        case.merged(merge, 0, "merged 4 reports")
        restarts = {number: int(task["Restarts"]) for number, task in sorted(cluster.tasks(job).items())}
        insist(any(restarts.values()), f"no task was requeued: {restarts}")
        said.append(f"restarts {restarts}, {case.whole()} series as of one run")


def time_is_up(cluster, study):
    """A minute is all that a task gets: it is told 60 seconds before, stops in order, and says so."""
    with timed("slurm", "the time limit: tasks are told before, and end with 143") as said:
        case = Case(cluster, "time", study)
        job, merge, _ = case.submit(FWUPLOAD_BWLIMIT="40K", FWUPLOAD_UPLOADS="1", SBATCH_TIMELIMIT="1")
        case.merged(merge, 143)
        ends = case.reports()
        insist(None not in ends.values() and 143 in ends.values(), ends)
        case.submit("1-4", WAIT="yes")
        said.append(f"reports ended with {ends}; then {case.whole()} series as of one run")


def test(work, short):
    needs("slurmctld", "slurmd", "munged", "sbatch")
    if os.geteuid() != 0:
        raise Skipped("it needs root")
    study = work.folder / "study"
    files = write_study(study, patients=8, size=256 * 1024)
    cluster = Cluster(work)
    say("slurm", f"{cluster.ask('sbatch', '--version').strip()}, two nodes; {files} files of 8 patients")
    all_well(cluster, study)
    if short:
        return
    planned(cluster, study)
    some_again(cluster, study)
    for kill_wait in (5, 30):
        cancelled(cluster, study, kill_wait)
    node_dies(cluster, study)
    preempted(cluster, study)
    time_is_up(cluster, study)
