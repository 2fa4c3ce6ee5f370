package localpg

import (
	"os"
	"path/filepath"
	"runtime"
)

// DefaultRoot is a data root for whoever names none: among the user's data, or for root, whose home other users cannot
// enter, below /var/lib.
func DefaultRoot() (string, error) {
	const name = "linkspan"
	if os.Geteuid() == 0 {
		return filepath.Join("/var/lib", name), nil
	}
	if data := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return filepath.Join(data, name), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", name), nil
	}
	return filepath.Join(home, ".local", "share", name), nil
}
