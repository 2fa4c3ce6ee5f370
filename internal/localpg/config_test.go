package localpg_test

import (
	"strings"
	"testing"

	"linkspan/internal/localpg"
)

func TestInvalidConfig(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	valid := localpg.Config{Root: root, Names: []string{"main"}}
	set := func(setting, value string) func(*localpg.Config) {
		return func(c *localpg.Config) { c.Settings = map[string]string{setting: value} }
	}
	for name, tc := range map[string]struct {
		change func(*localpg.Config)
		says   string
	}{
		"no root":            {func(c *localpg.Config) { c.Root = "" }, "Root"},
		"no names":           {func(c *localpg.Config) { c.Names = nil }, "Names"},
		"name leads out":     {func(c *localpg.Config) { c.Names = []string{"../main"} }, `"../main"`},
		"name of work":       {func(c *localpg.Config) { c.Names = []string{".new-main"} }, `".new-main"`},
		"empty name":         {func(c *localpg.Config) { c.Names = []string{""} }, `""`},
		"upper case":         {func(c *localpg.Config) { c.Names = []string{"Main"} }, `"Main"`},
		"long name":          {func(c *localpg.Config) { c.Names = []string{strings.Repeat("a", 33)} }, "32"},
		"name twice":         {func(c *localpg.Config) { c.Names = []string{"a", "b", "a"} }, "twice"},
		"unknown source":     {func(c *localpg.Config) { c.Source = "brew" }, `"brew"`},
		"two sources":        {func(c *localpg.Config) { c.Source, c.BinDir = "npm", "/usr/bin" }, "/usr/bin"},
		"TCP":                {set("Listen_Addresses", "*"), "Listen_Addresses"},
		"socket elsewhere":   {set("unix_socket_directories", "/tmp"), "unix_socket"},
		"setting as option":  {set("port=1 -c fsync", "off"), "not a name"},
		"setting with minus": {set("listen-addresses", "*"), "not a name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := valid
			tc.change(&cfg)
			_, err := localpg.Start(t.Context(), cfg)
			wantError(t, err, localpg.ErrConfig, tc.says)
		})
	}
}

// PostgreSQL's own word on a setting that it does not take reaches the caller.
func TestRefusedSetting(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	cfg.Settings = map[string]string{"shared_buffers": "a few"}
	_, err := localpg.Start(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), `invalid value for parameter "shared_buffers"`) {
		t.Errorf("error %v, want PostgreSQL's", err)
	}
	if left := processes(t, cfg.Root); len(left) != 0 {
		t.Errorf("processes after a failed Start: %v", left)
	}
}
