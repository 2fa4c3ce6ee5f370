package localpg

import (
	"os/exec"
	"runtime"
)

// runTied runs a program that ends when this one does. The tie is to an OS thread (tie), so the goroutine keeps it.
func runTied(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tie(cmd.SysProcAttr)
	return cmd.Run()
}
