# Sourced by the commands in bin/: finds Python 3.11 or newer and readies .venv.
# shellcheck shell=sh

find_python() {
    for candidate in "${PYTHON:-python3}" python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "SemaFore needs Python 3.11 or newer, and found none as python3 on the PATH." >&2
    echo "Install one, or name it: PYTHON=/path/to/python3.12 $0" >&2
    return 1
}

# prepare_venv local|dev: .venv holds requirements/<level>.txt when this returns.
prepare_venv() {
    python=$(find_python) || exit 1
    "$python" bin/lib/venv.py "$1" || exit 1
}
