"""What an enterprise is told about its access, in Chinese and English."""

from __future__ import annotations

from app.brokerconf.options import Options
from app.brokerconf.users import User
from models.meters import Meter
from models.park import Enterprise

_TEXT = """\
# {zh} {en}

| | |
|---|---|
| 服务器 broker | `{host}`，端口 port {port}，MQTT 5 / 3.1.1，TLS |
| 用户 user | `{user}` |
| 登录 login | {login} |
| CA 证书 CA certificate | `ca.crt` |
| 主题 topics | {topics} |
| 客户端 ID client id | 自定，须难以猜测 your choice, hard to guess |

请勿通过电子邮件或聊天工具传送本文件夹。本用户只能向上述主题发布，{reads_zh}。
Do not send this folder by e-mail or chat. This user can publish on these topics only,
and read {reads_en}.

发布示例，READING 处填真实读数 Example; put a true reading instead of READING:

```
{command}
```

`Not authorized`：主题不属于本企业 the topic is not yours.
密码或证书泄露、丢失，请立即通知园区更换。
Leaked or lost? Tell the park at once; it gives you a new one.
"""


def readme(user: User, options: Options) -> str:
    """The README of the hand-out of an enterprise."""
    enterprise = user.enterprise
    if enterprise is None:
        raise ValueError(f"{user.name} is not an enterprise")
    login = "`client.crt`, `client.key`" if options.certificates else "`password`"
    return _TEXT.format(
        zh=enterprise.name.zh,
        en=enterprise.name.en,
        host=options.host,
        port=options.port,
        user=user.name,
        login=login,
        topics=", ".join(f"`{t}`" for t in user.write),
        reads_zh=f"只能读取 {_listed(user.read)}" if user.read else "不能读取任何主题",
        reads_en=f"only {_listed(user.read)}" if user.read else "nothing",
        command=_command(user, enterprise, options),
    )


def _listed(topics: tuple[str, ...]) -> str:
    return ", ".join(f"`{t}`" for t in topics)


def _command(user: User, enterprise: Enterprise, options: Options) -> str:
    login = (
        "--cert client.crt --key client.key"
        if options.certificates
        else f'-u {user.name} -P "$(cat password)"'
    )
    meter = enterprise.meters[0] if enterprise.meters else None
    topic = f"park/{user.park}/{enterprise.key}/{meter.key if meter else 'METER'}"
    return (
        f"mosquitto_pub -V 5 -h {options.host} -p {options.port} --cafile ca.crt {login} \\\n"
        f"  -q 1 -t {topic} -m {_example(meter)}"
    )


def _example(meter: Meter | None) -> str:
    """A reading of now, in double quotes of a shell."""
    channel = next(iter(meter.channels)) if meter else "CHANNEL"
    return f'"{{\\"ts\\": $(date +%s000), \\"values\\": {{\\"{channel}\\": READING}}}}"'
