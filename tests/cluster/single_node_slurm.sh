#!/usr/bin/env bash
# A real SLURM on this machine alone, for tests: a node with two fake GPUs, without accounting. As root.
#
#   single_node_slurm.sh install          the system's packages (Debian, Ubuntu)
#   single_node_slurm.sh start FOLDER     starts it; state and logs lie in FOLDER, the configuration in /etc/slurm
#   single_node_slurm.sh stop FOLDER      ends its jobs and daemons, and removes the configuration
set -euo pipefail
MARK="# written by single_node_slurm.sh for tests"
CONFIGURATION=/etc/slurm

refuse() {
    echo "single_node_slurm.sh: $*" >&2
    exit 1
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge >/dev/null
}

# Where nothing collects ended daemons, as in many containers, they stay in the list of processes as zombies.
runs() {
    ps -C "$1" -o stat= | grep -qv Z
}

wait_until() {
    local deadline=$((SECONDS + 30))
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || refuse "waited 30 s in vain for: $*; see the logs in the folder."
        sleep 0.2
    done
}

# Nothing of a cluster that this script has not made is touched.
check_that_it_can_start() {
    [ "$(id -u)" = 0 ] || refuse "SLURM can only be started as root."
    for program in munged slurmctld slurmd sbatch; do
        command -v $program >/dev/null || refuse "$program is not installed: run \`make test-cluster\`."
    done
    # Without --all nproc gives OMP_NUM_THREADS where it is set.
    [ "$(nproc --all)" -ge 2 ] || refuse "two jobs at once need two cores, and this machine has one."
    if [ -e $CONFIGURATION/slurm.conf ] && ! grep -qxF "$MARK" $CONFIGURATION/slurm.conf; then
        refuse "$CONFIGURATION/slurm.conf is not of this script: this machine belongs to another cluster."
    fi
    if runs slurmctld || runs slurmd; then
        refuse "a SLURM runs here already: stop it first."
    fi
}

write_configuration() {
    local folder=$1 host memory
    host=$(hostname -s)
    memory=$(awk '/^MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
    mkdir -p $CONFIGURATION "$folder"/{state,spool}
    # SLURM gives a job the number of its GPU in CUDA_VISIBLE_DEVICES only where the file is a character device.
    for gpu in 0 1; do
        [ -c "$folder/gpu$gpu" ] || mknod "$folder/gpu$gpu" c 195 $gpu
    done
    cat >$CONFIGURATION/slurm.conf <<END
$MARK
ClusterName=tests
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
JobCompType=jobcomp/filetxt
JobCompLoc=$folder/jobs.txt
AccountingStorageType=accounting_storage/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
# The memory of a job is looked at each second; one that takes more than it asked for is killed.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,bf_interval=2
# A job over its time limit is ended at once, and not after the usual minute or two.
OverTimeLimit=0
KillWait=2
ReturnToService=2
GresTypes=gpu
# Two cores, so that a third job waits.
NodeName=$host CPUs=2 RealMemory=$memory Gres=gpu:fake:2 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=7-00:00:00 State=UP
END
    echo "NodeName=$host Name=gpu Type=fake File=$folder/gpu[0-1]" >$CONFIGURATION/gres.conf
}

node_is_idle() {
    [ "$(sinfo --noheader --format %t)" = idle ]
}

start() {
    local folder
    check_that_it_can_start
    mkdir -p "$1"
    folder=$(realpath "$1")
    write_configuration "$folder"
    if ! runs munged; then
        mkdir -p /run/munge
        chown munge: /run/munge
        runuser -u munge -- munged
        touch "$folder/munged-is-ours"
    fi
    wait_until munge --no-input
    slurmctld
    wait_until scontrol ping
    slurmd
    wait_until node_is_idle
}

ended() {
    ! runs "$1"
}

stop() {
    local folder
    folder=$(realpath "$1")
    scancel --user root --full 2>/dev/null || true
    for daemon in slurmd slurmctld; do
        if [ -e "$folder/$daemon.pid" ]; then
            kill "$(cat "$folder/$daemon.pid")" 2>/dev/null || true
            wait_until ended $daemon
        fi
    done
    if [ -e "$folder/munged-is-ours" ]; then
        kill "$(cat /run/munge/munged.pid)" 2>/dev/null || true
        rm "$folder/munged-is-ours"
    fi
    if grep -qxF "$MARK" $CONFIGURATION/slurm.conf 2>/dev/null; then
        rm -f $CONFIGURATION/slurm.conf $CONFIGURATION/gres.conf
    fi
}

case "${1:-}" in
install) install_packages ;;
start) start "${2:?a folder}" ;;
stop) stop "${2:?a folder}" ;;
*) refuse "say install, start FOLDER or stop FOLDER." ;;
esac
