/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/monitor.h"
#include "generators/sources/sources.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#define MONITOR_BUFFER (16 * 1024 * 1024)
#define UEVENT_MAX 8192 /* the kernel's own limit is 2048 (UEVENT_BUFFER_SIZE) */
#define MESSAGES 8

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

static int take(struct mmsghdr *message, struct facts *facts, struct err *err)
{
	char *text = message->msg_hdr.msg_iov->iov_base;

	if ((message->msg_hdr.msg_flags & MSG_TRUNC) ||
	    !from_kernel(&message->msg_hdr, message->msg_hdr.msg_name))
		return 0;
	text[message->msg_len] = '\0';
	return uevent_parse(text, message->msg_len, facts, err);
}

/*
 * A device brings several at once, and a batch that is not full was the last one. Where it ends early for
 * events that were lost meanwhile, poll() tells of that at once, and the next call says so.
 */
int monitor_read(int fd, struct facts *facts, struct err *err)
{
	static char buffers[MESSAGES][UEVENT_MAX];
	_Alignas(struct cmsghdr) char controls[MESSAGES][CMSG_SPACE(sizeof(struct ucred))];
	struct sockaddr_nl senders[MESSAGES];
	struct iovec iovs[MESSAGES];
	struct mmsghdr messages[MESSAGES];
	int n, r = 0;

	do {
		for (size_t i = 0; i < MESSAGES; i++) {
			senders[i] = (struct sockaddr_nl){ .nl_pid = 1 };
			iovs[i] = (struct iovec){ buffers[i], UEVENT_MAX - 1 };
			messages[i].msg_hdr = (struct msghdr){
				.msg_name = &senders[i],
				.msg_namelen = sizeof(senders[i]),
				.msg_iov = &iovs[i],
				.msg_iovlen = 1,
				.msg_control = controls[i],
				.msg_controllen = sizeof(controls[i]),
			};
		}
		n = recvmmsg(fd, messages, MESSAGES, 0, NULL);
		if (n < 0 && errno != EINTR)
			return errno == EAGAIN ? 0 : -errno;
		for (int i = 0; i < n && r >= 0; i++)
			r = take(&messages[i], facts, err);
	} while (r >= 0 && (n < 0 || n == MESSAGES));
	return r < 0 ? r : 0;
}
