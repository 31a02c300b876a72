/* What the loops have in common. */
#ifndef BASELINES_H
#define BASELINES_H

#include <errno.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <sys/ioctl.h>

/*
 * Every function does a number of operations and returns 0 or more, -errno, or what follows: an exit that was not the
 * one to come.
 */
#define UNEXPECTED_EXIT (-1000)

static inline long unexpected(const struct kvm_run *run)
{
	return UNEXPECTED_EXIT - (long)run->exit_reason;
}

#endif
