package main

import (
	"os"
	"path/filepath"
)

// A test binary by the name of the program is the program: tests need no other build of it, and the race detector, where
// it is on, watches what they start.
func init() {
	if filepath.Base(os.Args[0]) == "linkspan" {
		os.Exit(run())
	}
}
