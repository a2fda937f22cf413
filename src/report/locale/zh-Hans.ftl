# 简体中文（中国大陆用语）。原因与步骤句末不加句号。

outcome-clean = 已完成，{ $files } 个文件
outcome-warnings = 已完成，{ $files } 个文件，{ $warnings } 条警告
outcome-partial = { $total } 个中有 { $failed } 个需要您处理
outcome-failed = 未导出（{ $failed } 个全部失败）
outcome-nothing = 未导出（{ $cause }）
outcome-stopped = 已停止，{ $total } 个中完成 { $done } 个

todo-clean = 无需处理：{ $files } 个文件已就绪。
files-ready = { $files } 个文件已就绪。
look-below = 请查看下方的 { $warnings } 条警告。
look-in-report = 请查看报告文件夹中 report.json 里的 { $warnings } 条警告。
todo-partial = { $total } 个文件中有 { $failed } 个需要您处理，其余已就绪。
nothing-exported = 没有导出任何文件。
nothing-because = 没有导出任何文件：{ $cause }。
step = 处理方法：{ $step }
see-report = 报告文件夹中的 report.json 说明了各个文件的问题。
correct-below = 请更正下方列出的问题。
drop-again = 然后请重新投放任务文件。
copy-retry = { $files ->
    [1] 然后请将报告文件夹中的 retry-failed.toml 复制到投放文件夹，即可仅对这个文件再次导出。
   *[other] 然后请将报告文件夹中的 retry-failed.toml 复制到投放文件夹，即可仅对这 { $files } 个文件再次导出。
}
show-operator = 如果您无法自行处理，请将此消息转给负责 exportd 的人员。
refused-many = 没有导出任何文件，因为 { $name } 有 { $mistakes } 处错误。请按下方所示全部更正后，重新投放该文件。
refused-one = 没有导出任何文件，因为 { $name } 有一处错误。请按下方所示更正后，重新投放该文件。
refused-in = 没有导出任何文件，因为 { $name } 有误（{ $cause }）。请更正后重新投放该文件。
stopped-after = 有人在完成 { $total } 个文件中的 { $done } 个之后停止了这次导出。
stopped-rest = 要获取其余 { $rest } 个文件，请重新投放任务文件。
stopped-kept = 已完成的部分予以保留，但尚未发布：“exportd resume { $run }”继续其余部分，“exportd delete { $run }”将其放弃。
todo-running = 暂时无需处理：已完成 { $done } 个。

why-unread = 您收到此邮件，是因为无法从 { $name } 读出是否需要发送邮件（emailSetting）。
why-all = 您收到此邮件，是因为 { $name } 中设置了 emailSetting = "All"：每次运行后都发送邮件。要减少邮件，请改为 "ErrorAndWarning"、"Error" 或 "None"。
why-completion = 您收到此邮件，是因为 { $name } 中设置了 emailSetting = "JobCompletion"：每次运行后发送简短邮件。改为 "All" 可列出失败与警告，改为 "None" 则不发送邮件。
why-error-and-warning = 您收到此邮件，是因为 { $name } 中设置了 emailSetting = "ErrorAndWarning"：有失败或警告时发送邮件。要减少邮件，请改为 "Error" 或 "None"；要增加，请改为 "All"。
why-error = 您收到此邮件，是因为 { $name } 中设置了 emailSetting = "Error"：有失败时发送邮件。不需要邮件时，请改为 "None"；要增加，请改为 "ErrorAndWarning" 或 "All"。
why-none = 您收到此邮件，是因为 { $name } 中设置了 emailSetting = "None"：不发送邮件。
why-user = 发送给您，是因为文件中指定了 userHandle "{ $user }"。
why-owner = 发送给您，是因为文件由您投放，或由您负责导出工作。

result = 结果
failed = 失败
warnings = 警告
where = 位置
counted = { $what }（{ $total }）
more = 以及另外 { $more } 项
more-in-report = 以及另外 { $more } 项，请参见 report.json
more-in-table = 以及另外 { $more } 项，请参见下方表格
finding-place = { $file }，第 { $line } 行
left-out = 已略过：{ $reason }

count-listed = 列出
count-exported = 已导出
count-identical = 其中已存在且相同
count-replaced = 其中替换了原有文件
count-failed = 失败
count-left-out = 已略过，请参见警告
count-cancelled = 因停止而未处理
count-warnings = 警告
count-done = 已完成
count-left-out-so-far = 已略过

place-files = 文件
place-report = 报告
place-windows = Windows
fact-about = 说明
fact-run = 运行
fact-took = 用时
fact-again = 重试
fact-began = 开始
fact-as-of = 截至
failed-in = { $run } 中失败的项目
seconds = { $seconds } 秒
minutes = { $minutes } 分 { $seconds } 秒
hours = { $hours } 小时 { $minutes } 分
bytes = { $bytes } 字节

not-taken = { $name } 未被接收。
note-goes = 一旦投放可接收的 { $name }，此说明文件便会自动消失。

cause-not-found = 素材文件夹中没有该名称的文件或图像目录条目
cause-nothing-matches = 素材文件夹中没有符合该模式的内容
cause-ambiguous = 有多个文件使用该名称：{ $files }
cause-outside = 该名称指向素材文件夹之外
cause-not-a-file = 那是{ $what }，不是文件
cause-unreadable = 导出服务没有读取该文件的权限
cause-keeps-changing = 文件在读取期间不断变化
cause-mismatch = 文件应为“{ $named }”，内容却是“{ $found }”
cause-damaged = 图片已损坏：{ $detail }
cause-too-large = 图片过大：{ $width } × { $height } 像素，上限为 { $limit }
cause-unsupported = 无法读取这种图片：{ $detail }
cause-page = 第 { $page } 页：{ $cause }
cause-out-of-memory = 图片所需内存超过工作进程的上限（{ $limit }）
cause-too-slow = 图片处理时间超过 { $seconds } 秒
cause-worker-died = 图片导致工作进程异常退出（{ $how }）
cause-collision = 其输出 { $name } 也会是 { $others } 的输出
cause-bad-name = 其输出名称 { $name } 无法使用：{ $reason }
cause-exists = 目标位置已有内容不同的 { $name }
cause-disk-full = 输出文件夹所在的磁盘已满
cause-blocked = 输出文件夹无法使用：{ $detail }
cause-not-writable = 无法写入输出：{ $detail }
cause-refused = 第 { $line } 行：{ $message }
cause-nothing-exportable = 列表中没有可导出的内容
cause-poison = 尝试 { $attempts } 次仍无法完成任务
cause-internal = 导出服务自身出现问题：{ $detail }

thing-picture = { $format } 图片
thing-drawing = { $format } 矢量图
thing-document = { $format } 文档
thing-any-picture = 图片
thing-folder = 文件夹
thing-pipe = 命名管道
thing-socket = 套接字
thing-device = 设备
thing-socket-or-device = 套接字或设备
thing-else = 其他内容
thing-empty = 空文件
thing-zip = ZIP 压缩包
thing-raw = 相机 RAW 文件
thing-video = 视频
thing-icon = Windows 图标
thing-text = 文本
thing-zeroes = 全为零的字节
thing-web-page = 网页
detail-denied = 权限不足
detail-read-only = 磁盘为只读
detail-gone = 文件夹已不存在
detail-disk-errors = 磁盘报告错误

step-did-you-mean = 您是指“{ $near }”吗？如果不是，请将文件放到该处再重试
step-put-there = 请将文件放入素材文件夹，或更正名称
step-pattern = 请更正模式，或将文件放到该处
step-extension = 请写出带扩展名的名称
step-below = 请用素材文件夹内的路径指定文件
step-name-a-file = 请指定文件
step-right = 请管理员授予导出服务读取权限
step-wait-complete = 请待文件完整后再重试
step-format = 请以名称所示的格式重新保存，或按内容更改文件名
step-save-again = 请在图像编辑软件中打开并重新保存后再重试
step-reduce = 请缩小图片，或要求提高上限
step-other-format = 请另存为 TIFF、PNG 或 JPEG 后再重试
step-modifiers = 请更正修饰参数后再重试
step-memory = 请缩小图片，或请管理员提高工作进程的内存上限
step-probably-damaged = 文件可能已损坏：请在图像编辑软件中重新保存后再重试
step-tell-apart = 请用 outputName 加以区分，例如 { $example }
step-output-name = 请更改 outputName 或文件名
step-overwrite = 请设置 overwrite = true，或选择其他目标位置
step-free-space = 请释放输出磁盘的空间后再重试
step-output-folder = 请管理员检查输出文件夹
step-manifest = 请更正任务文件后重新投放
step-list-pictures = 请列出图片或其他单个文件
step-tell-operator = 请通知管理员；详细信息在服务日志中

word-exported = 已导出
word-replaced = 已替换
word-there = 已存在
word-left-out = 已略过
word-failed = 失败
word-not-done = 未处理

handed-in = { $name }（原始文件）
as-exported = { $name }（导出结果）

state-new = 即将开始
state-running = 运行中
state-stopping = 正在停止
state-waiting = 等待中
state-waiting-assets = 等待尚未到位的文件
state-waiting-space = 等待磁盘空间
state-over = 已完成
state-interrupted = 已中断，待 exportd 再次运行
state-paused = 已暂停，等待有人继续
page-done = 当前进度
page-progress = 已完成 { $percent }%。本页每 { $seconds } 秒刷新一次。
page-correct = 需要更正
page-needs-you = 需要您处理
page-look = 需要留意
page-sheet = 缩略图一览
page-sheet-about = 灰底为原始文件，白底为导出结果；透明部分两者都显示。
page-original = 原始文件
page-result = 导出结果
page-no-original = 未显示原始文件
page-as-it-is = 原样复制
page-not-shown = 未显示
page-not-exported = 未导出
page-recipe = 处理方式
page-originals = 原始文件，逐字节相同。
page-nothing-own = 按图像目录与配置处理；任务文件未另作要求。
page-holds = 实际生效
page-said-by = 来源
page-files = 所有文件
page-asset = 素材
page-exported-as = 导出为
link-sums = 用于确认副本完整
link-programs = 供程序使用
link-spreadsheets = 供电子表格使用
link-retry = 再次请求失败的项目
link-dropped = 投放时的内容

log-began = 运行 { $run } 已开始
log-finding = 第 { $line } 行第 { $column } 列：{ $message }
log-step = { $cause }；{ $step }
log-exported = 已导出
log-identical = 已存在且相同，未再写入
log-replaced = 已替换原有文件
log-cancelled = 因运行被停止而未处理
