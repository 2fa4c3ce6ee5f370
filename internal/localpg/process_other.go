//go:build !linux

package localpg

import "syscall"

// tie does nothing here: there is no parent death signal. The next Start stops what was left (orphans.go).
func tie(*syscall.SysProcAttr) {}
