package shardrouter

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	good := Config{MainDSN: "host=m", Shards: []Shard{{"a", "host=a password=" + secret}, {"b", "host=b"}}}
	for name, spoil := range map[string]func(*Config){
		"no main":         func(c *Config) { c.MainDSN = "" },
		"no shards":       func(c *Config) { c.Shards = nil },
		"no name":         func(c *Config) { c.Shards[0].Name = "" },
		"long name":       func(c *Config) { c.Shards[0].Name = string(make([]byte, 64)) },
		"main's name":     func(c *Config) { c.Shards[0].Name = MainName },
		"name twice":      func(c *Config) { c.Shards[0].Name = "b" },
		"no DSN":          func(c *Config) { c.Shards[0].DSN = "" },
		"bad DSN":         func(c *Config) { c.Shards[0].DSN = "postgres://u:" + secret + "@[/x" },
		"same database":   func(c *Config) { c.Shards[0].DSN = "host=b connect_timeout=1 password=" + secret },
		"negative pool":   func(c *Config) { c.PoolSize = -1 },
		"tiny timeout":    func(c *Config) { c.AttemptTimeout = time.Millisecond },
		"negative idling": func(c *Config) { c.IdleProbe = -time.Second },
		"negative budget": func(c *Config) { c.RetryBudget = -time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := good
			config.Shards = slices.Clone(good.Shards)
			spoil(&config)
			for what, err := range map[string]error{"Bootstrap": Bootstrap(t.Context(), config), "Open": openError(t, config)} {
				var unavailable *UnavailableError
				if err == nil || errors.As(err, &unavailable) {
					t.Errorf("%s: %v, want a refusal of the configuration", what, err)
				} else if strings.Contains(err.Error(), secret) {
					t.Errorf("%s: the error tells the password: %v", what, err)
				}
			}
		})
	}
}

func openError(t *testing.T, config Config) error {
	t.Helper()
	r, err := Open(t.Context(), config)
	if err == nil {
		r.Close()
	}
	return err
}

// TestSettings has connections with what the configuration says of them, unless their DSN says otherwise, or a pooler would refuse it.
func TestSettings(t *testing.T) {
	t.Parallel()
	config := Config{Settings: map[string]string{"plan_cache_mode": "force_generic_plan", "work_mem": "1MB"}}
	for want, of := range map[[2]string]struct {
		dsn    string
		pooler bool
	}{
		{"force_generic_plan", "1MB"}: {"host=a", false},
		{"force_custom_plan", "1MB"}:  {"host=a plan_cache_mode=force_custom_plan", false},
		{"force_custom_plan", ""}:     {"host=a plan_cache_mode=force_custom_plan", true},
	} {
		config.DisablePreparing = of.pooler
		pool, err := config.connConfig("a", of.dsn)
		if err != nil {
			t.Fatal(err)
		}
		params := pool.ConnConfig.RuntimeParams
		if got := [2]string{params["plan_cache_mode"], params["work_mem"]}; got != want {
			t.Errorf("%s, pooler %v: %q, want %q", of.dsn, of.pooler, got, want)
		}
	}
}
