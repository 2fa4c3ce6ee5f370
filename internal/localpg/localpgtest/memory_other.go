//go:build !linux

package localpgtest

// memoryDir is "": there is no memory file system that is always mounted.
func memoryDir() string { return "" }
