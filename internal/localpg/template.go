package localpg

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// templateDir finds or makes, in the cache that several programs may share, the data directory that clusters are copied
// from. It is always synced: a template that a power failure spoilt would spoil each cluster made later.
func templateDir(ctx context.Context, cfg Config, a account, pg Postgres) (string, error) {
	if err := makeDirs(cfg.CacheDir); err != nil {
		return "", fmt.Errorf("localpg: make cache directory: %w", err)
	}
	key := sha256.Sum256([]byte(strings.Join(append([]string{pg.Version, pg.BinDir, a.name}, initdbArgs...), "\x00")))
	template := filepath.Join(cfg.CacheDir, fmt.Sprintf("template-pg%d-%s", pg.Major, hex.EncodeToString(key[:6])))
	if usableTemplate(template, a) {
		return template, nil
	}
	lock, err := waitLock(ctx, filepath.Join(cfg.CacheDir, "template.lock"))
	if err != nil {
		return "", fmt.Errorf("localpg: cache directory: %w", err)
	}
	defer func() { _ = releaseLock(lock) }() // the end of the program gives it up, too
	if usableTemplate(template, a) {
		return template, nil // somebody else made it meanwhile
	}
	removeUnfinished(cfg, cfg.CacheDir)
	if err := checkReach(ctx, a, cfg.CacheDir); err != nil {
		return "", err
	}
	unfinished, err := os.MkdirTemp(cfg.CacheDir, newPrefix+"template-")
	if err != nil {
		return "", fmt.Errorf("localpg: %w", err)
	}
	defer os.RemoveAll(unfinished)
	if err := initdb(ctx, cfg, a, pg, unfinished); err != nil {
		return "", err
	}
	if err := syncTree(ctx, unfinished); err != nil {
		return "", fmt.Errorf("localpg: %w", err)
	}
	if err := os.Rename(unfinished, template); err != nil {
		return "", fmt.Errorf("localpg: %w", err)
	}
	return template, syncFile(cfg.CacheDir)
}

// usableTemplate says whether a template is there and the account's own.
func usableTemplate(template string, a account) bool {
	info, err := os.Lstat(template)
	if err != nil || !info.IsDir() {
		return false
	}
	owner, err := ownerOf(template)
	return err == nil && owner == a.uid
}
