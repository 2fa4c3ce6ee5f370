package localpg

import "syscall"

// tie makes the kernel send the process SIGINT (PostgreSQL's fast shutdown) when the thread that started it ends, however
// it ends. It survives the change of user: the kernel clears it only at an exec that gains rights.
func tie(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }
