/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/monitor.h"
#include "generators/sources/sources.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#define MONITOR_BUFFER (16 * 1024 * 1024)
#define UEVENT_MAX 8192 /* the kernel's own limit is 2048 (UEVENT_BUFFER_SIZE) */

int monitor_open(struct err *err)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
	const int size = MONITOR_BUFFER, one = 1;

	if (fd < 0)
		return err_set(err, E_INTERNAL, errno, "uevent socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) < 0 ||
	    bind(fd, (const void *)&address, sizeof(address)) < 0)
		return err_set(err, E_INTERNAL, errno, "uevent socket: %s", strerror(errno));
	return take_fd(&fd);
}

/* Only the kernel may speak here: port 0 and, as it has no process, uid 0 and pid 0. */
static bool from_kernel(const struct msghdr *message, const struct sockaddr_nl *sender)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	struct ucred cred;

	if (sender->nl_pid != 0 || !header || header->cmsg_level != SOL_SOCKET ||
	    header->cmsg_type != SCM_CREDENTIALS || header->cmsg_len < CMSG_LEN(sizeof(cred)))
		return false;
	memcpy(&cred, CMSG_DATA(header), sizeof(cred));
	return cred.pid == 0 && cred.uid == 0;
}

int monitor_read(int fd, struct facts *facts, struct err *err)
{
	static char buffer[UEVENT_MAX];

	for (;;) {
		char control[CMSG_SPACE(sizeof(struct ucred))];
		struct iovec iov = { buffer, sizeof(buffer) - 1 };
		struct sockaddr_nl sender = { .nl_pid = 1 };
		struct msghdr message = {
			.msg_name = &sender,
			.msg_namelen = sizeof(sender),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(fd, &message, 0);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if ((message.msg_flags & MSG_TRUNC) || !from_kernel(&message, &sender))
			continue;
		buffer[n] = '\0';
		r = uevent_parse(buffer, (size_t)n, facts, err);
		if (r < 0)
			return r;
	}
}
