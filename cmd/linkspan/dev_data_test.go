package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestDataDirMustBeOurs(t *testing.T) {
	t.Parallel()
	me := os.Geteuid()
	for name, c := range map[string]struct {
		holds []string // in the directory; those that end in / are directories
		uid   int
		want  []string // in the error; nil: it is taken
	}{
		"absent":             {nil, me, nil},
		"a file system":      {[]string{"lost+found/"}, me, nil},
		"ours":               {[]string{"clusters/", "dev.key", "linkspan.log"}, me, nil},
		"ours, begun":        {[]string{"linkspan.log"}, me, nil},
		"ours, with a note":  {[]string{"clusters/", "notes.txt"}, me, nil},
		"somebody's":         {[]string{"letters/", "photo.jpg"}, me, []string{"not empty", `"letters"`, "LINKSPAN_DATA"}},
		"another user's":     {[]string{"clusters/", "dev.key"}, me + 1, []string{"user id " + strconv.Itoa(me), "user id " + strconv.Itoa(me+1), "LINKSPAN_DATA"}},
		"another user's log": {[]string{"linkspan.log"}, me + 1, []string{"run it as that user"}},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		for _, entry := range c.holds {
			path := filepath.Join(dir, entry)
			err := os.MkdirAll(dir, 0o755)
			if strings.HasSuffix(entry, "/") {
				err = os.MkdirAll(path, 0o755)
			} else if err == nil {
				err = os.WriteFile(path, nil, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		err := ensureDataDir(dir, c.uid)
		if (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v, want %q in it", name, err, want)
			}
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != len(c.holds) {
			t.Errorf("%s: it holds %v, %v", name, left, err)
		}
	}
}
